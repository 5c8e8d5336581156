"""The engines that run the product's SQL: DuckDB in this process, or Spark on a cluster.

For others: duckdb, spark.
"""
