"""The seller's page for staff: `page`; others may use `answer`, `views`, `figures`, `orders` and `panel`.

For others: answer, figures, orders, page, panel, views.
"""
