"""Understand backpropagation."""

from tinygrad_edu import functions as functions
