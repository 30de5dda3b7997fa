"""The services whose behaviour under load is the product. Installable without the rest of the harness."""
