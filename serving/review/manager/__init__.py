"""The manager's figures: `figures_page`, and the same as CSV in `figures_tables`.

For others: figures_page, figures_tables.
"""
