"""Explanations of a probability: reasons by feature family, which add up to the served log-odds.

For others: reasons.
"""
