"""Data sources: what resolvers read and write."""
