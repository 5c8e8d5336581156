"""The manager's `figures`, with `intervals`, and `case_outcomes`: whether a breach followed.

For others: case_outcomes, figures, intervals.
"""
