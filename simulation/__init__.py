"""A simulated marketplace with known causes and true rates, for measurements; no model reads them."""
