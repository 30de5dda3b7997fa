"""Quotas and the buckets that enforce them."""
