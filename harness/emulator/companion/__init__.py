"""The companion of a LocalStack: what LocalStack lacks here, served; what it has, metered."""
