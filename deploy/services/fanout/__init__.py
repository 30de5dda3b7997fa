"""The fan-out service: what devices tell, to whoever watches them."""
