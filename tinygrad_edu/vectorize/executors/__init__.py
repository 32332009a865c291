"""What runs an array program: calls of NumPy, and where it is built the machine, ahead of them.

`code` takes the equations apart into `instructions`, for operations on `columns` too. For NumPy
each is a few `calls` (`kernel`). For the machine it is a row of numbers (`machine`): `table` has
those of a program and of an optimizer's equation, `native` runs them in the library that `library`
finds; its source is `machine.c`.
"""
