"""Import of public records as marketplaces: Olist and the flights from New York, written into a contract folder.

For others: import_source.
"""
