"""Tuning: a search over tree settings on the training period, and one test of the best found.

For others: search, tune.
"""
