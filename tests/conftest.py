"""Settings of Hypothesis for all tests."""

from hypothesis import settings

# On top of what Hypothesis chooses by itself, which is fixed seeds where CI is set. No example has a time limit.
settings.register_profile("untimed", settings.get_profile(settings.get_current_profile_name()), deadline=None)
settings.load_profile("untimed")
