"""Batch scores of many sellers: as columns, in a file, on one machine or on Spark.

For others: score_columns, score_file, spark_scores.
"""
