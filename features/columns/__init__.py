"""The columns of a feature row, as SQL over the ledger: window sums, peers, times since, worst items, problem orders.

For others: by_day, peers, problem_orders, time_since, windows, worst_items.
"""
