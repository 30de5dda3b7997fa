"""Launchday's extension of LocalStack: hands requests to Launchday's companion process.

What imports nothing of LocalStack, and can be used and tested without it: settings, companion.
"""
