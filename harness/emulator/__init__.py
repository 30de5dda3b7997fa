"""The embedded AWS: supervisor, edge, state and moto behind one port."""
