"""Writes the generated pages under docs/ and the tables of the README: `python -m docs.build`, or `make docs`.

Begin in `pages`: it names every page and what writes it. A test holds the pages to what would be written now.
"""
