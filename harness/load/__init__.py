"""Arrivals, device population, pacing, and the Locust glue."""
