"""What all pages share: `page`, `texts`, `charts` and `flash`; the pages for login and errors.

For others: charts, error_page, flash, login_page, page, texts.
"""
