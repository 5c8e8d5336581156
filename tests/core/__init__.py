"""The parts below every package."""
