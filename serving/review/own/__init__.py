"""A seller's own pages: `page`, and `objection_form` to object to an order.

For others: objection_form, page.
"""
