"""Measures of scores: average precision, Brier score, calibration, and bootstrap intervals.

For others: intervals, metrics.
"""
