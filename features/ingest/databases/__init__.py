"""Databases: the contract's tables in PostgreSQL, read at one moment by either engine and checked like files.

For others: postgresql, schema, spark_postgresql.
"""
