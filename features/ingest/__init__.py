"""Ingest: read a marketplace's tables, check them against the data contract and type them; bad rows go to quarantine.

For others: checks, contract, cross_checks, databases, far_days, intake, quarantine, source_settings, sources,
spark_folder.
"""
