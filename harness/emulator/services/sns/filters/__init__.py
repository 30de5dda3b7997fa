"""Subscription filter policies: checked and compiled when they are set, applied to each message."""
