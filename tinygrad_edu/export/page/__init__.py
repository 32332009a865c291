"""A page in which a model trains: its plan, its numbers, and the files it is put together of."""
