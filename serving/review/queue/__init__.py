"""The reviewers' queue: `queue_page`, `actions`, `second_opinions`, `appeals`; `filters` is its own.

For others: actions, appeals, queue_page, second_opinions.
"""
