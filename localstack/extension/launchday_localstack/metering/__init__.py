"""Notes what LocalStack serves, for the companion to meter: see docs/localstack.md, What the bill is made of.

What imports nothing of LocalStack, and can be used and tested without it: sizes, details, rows, recorder.
"""
