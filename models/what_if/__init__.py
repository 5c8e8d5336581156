"""Counterfactuals: a seller's row projected to a later day, and the fewest orders that must go well to lower a risk.

For others: counterfactual.
"""
