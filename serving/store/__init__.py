"""The files that answers are made from: sellers' rows, local copies of bundles, and pointers to those in use.

For others: bundles, evidence, incremental, online_store, pointer, rows, sorted_rows.
"""
