"""How long AWS's own steps take: a dated table and the models on it, never mixed with measured times."""
