"""Fitting: trees, calibration, bands, the spread of the expected rate, and the parameters of the roll-forward.

For others: boosting, calibration, fit_roll_forward, rate_spread, roll_forward_v2, tree_settings.
"""
