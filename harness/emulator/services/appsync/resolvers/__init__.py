"""Resolvers: what runs for a field, compiled when it is created."""
