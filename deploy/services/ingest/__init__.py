"""The REST entrance: its authorizer and its mapping templates."""
