"""The data of a training and its backtest: ledger, rows of active sellers, labels, slices and daily counts.

For others: daily_counts, dataset, slices.
"""
