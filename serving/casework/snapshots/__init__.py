"""A seller at one moment: `logged_answers`, `standings` and `seller_snapshot`, all for use by others.

For others: logged_answers, seller_snapshot, standings.
"""
