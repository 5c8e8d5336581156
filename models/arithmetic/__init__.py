"""The arithmetic of a risk: the roll-forward, the expected rate, their distributions, calibration and costs.

For others: beta_binomial, calibration, economy, expected_rate, roll_forward.
"""
