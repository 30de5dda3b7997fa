"""Mapping templates: AppSync's variables and helpers in Velocity."""
