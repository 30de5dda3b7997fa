"""moto, hosted: its WSGI application behind our gateway, metered, bounded, kept to the services it owns."""
