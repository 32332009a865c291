"""worksheet: a graph with blanks to fill in, and its solution."""
