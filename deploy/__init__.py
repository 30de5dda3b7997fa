"""The reference pipeline."""
