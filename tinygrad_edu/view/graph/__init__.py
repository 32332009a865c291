"""draw: the graph of a Value as a picture, by values, units or layers."""
