"""The tables, one file a subject; the migrations read every file here.

For others: casework, chain, predictions, service.
"""
