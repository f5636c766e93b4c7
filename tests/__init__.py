"""The tests, in the tree of the code they test."""

from hypothesis import HealthCheck, settings

# How fast examples are made says something of the machine, nothing of the code.
settings.register_profile("fiberlb", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("fiberlb")
