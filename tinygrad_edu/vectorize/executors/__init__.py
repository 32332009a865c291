"""What runs an array program: calls of NumPy (`kernel`, always there)."""
