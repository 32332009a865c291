"""Units and layers as cards in columns: what stands in them, where, and how it is painted."""
