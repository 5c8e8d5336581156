"""The incremental ledger: adding a day's files takes a time that depends on the rows they touch, not on the history.

For others: read, update.
"""
