"""Frozen references: the backtest, the check of a report, and the metrics of marketplaces; kept as they are."""
