"""Measurements against the true rates and known causes of a simulated marketplace."""
