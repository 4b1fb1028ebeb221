"""A plugin for pytest: Hypothesis looks for an example, and does not make it small."""

from hypothesis import Phase, settings

settings.register_profile("quickly", phases=[Phase.explicit, Phase.generate])
settings.load_profile("quickly")
