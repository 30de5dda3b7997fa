"""The embedded AWS: supervisor, edge, state, push and moto behind one port."""
