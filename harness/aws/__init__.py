"""What AWS does, as data and pure policy."""
