"""Ingest: read a marketplace's tables, check them against the data contract and type them; bad rows go to quarantine.

For others: checks, contract, intake, postgresql, postgresql_schema, public_records, quarantine, sources,
spark_folder, spark_postgresql.
"""
