"""What all tests share: property tests are judged by their answers, not by their time."""

from hypothesis import settings

settings.register_profile("tinygrad_edu", deadline=None)
settings.load_profile("tinygrad_edu")
