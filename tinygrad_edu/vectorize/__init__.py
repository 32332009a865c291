"""From a graph of numbers to arrays: its operations for many examples at once."""
