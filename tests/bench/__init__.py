"""How much Solar Cloud asks of a Home Assistant: `scripts/bench`."""
