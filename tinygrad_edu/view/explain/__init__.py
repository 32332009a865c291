"""explain: the chain rule of one derivative, in letters and numbers."""
