"""Hypothesis without a deadline: a shared machine stalls, and a slow example is not a wrong one."""

from hypothesis import settings

settings.register_profile("seawall", deadline=None)
settings.load_profile("seawall")
