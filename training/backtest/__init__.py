"""The backtest: every score on days that its model could not know, with baselines, alerts, groups and leak checks.

For others: alerts, backtest, evaluate, groups, observed_outcomes, out_of_time_predictions, scores.
"""
