"""Finds out what a target can do by doing it, with things of its own that it takes away again."""
