"""The audit log: predictions and outcomes, linked in a chain of digests that reveals any change.

For others: backup, chain, erasure, group_commit, idempotency_keys, outcomes, predictions, retention, verify.
"""
