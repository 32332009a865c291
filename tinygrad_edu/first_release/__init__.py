"""Modules that moved since the first release, under their old names: `tinygrad_edu.schedules`."""
