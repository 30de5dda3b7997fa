"""For all tests: no test is held to a time, so neither is an example of hypothesis."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("launchday", deadline=None)
settings.load_profile("launchday")
