"""The pages under docs, and the examples in docstrings."""
