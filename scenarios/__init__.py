"""One file a surge. Loaded by path, also by plain `locust -f`; nothing imports it."""
