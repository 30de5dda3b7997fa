"""How long AWS takes, as models with their sources."""
