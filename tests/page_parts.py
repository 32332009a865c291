"""The parts that the page links nets of, made once."""

from functools import cache

from tinygrad_edu.playground.parts import parts

made = cache(parts)
