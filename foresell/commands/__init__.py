"""The commands of `foresell`, one file a subject; `foresell.cli` defines the options and calls these functions.

For others: data, keys, marketplace, modelling, promotion, recalibration, records, review, scoring, service, tuning,
users.
"""
