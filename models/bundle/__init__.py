"""The bundle: all risk models of one training, as text and JSON files with digests that are checked before use.

For others: bundle, files, trial.
"""
