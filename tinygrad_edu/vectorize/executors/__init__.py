"""What runs an array program: calls of NumPy, and where it is built the machine, ahead of them.

`expressions` takes the equations apart for both. For NumPy each operation is a call (`kernel`, with
`buffers`). For the machine it is an instruction: `columns` and `instructions` say which, `arena`
where numbers stand, `code` and `update` make tables of a program and of an optimizer's equation,
`native` and `steps` run them in the library that `library` finds; its source is `machine.c`.
"""
