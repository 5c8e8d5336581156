"""Importing: sources in layouts of their own, written as a folder in the data contract.

For others: import_source, look, mapping.
"""
