"""Prices of AWS's services, and the lines of a bill: one module a service, one function a line."""
