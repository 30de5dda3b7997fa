"""Launchday: rehearse the launch day of a serverless product."""

__version__ = "0.1.0"
