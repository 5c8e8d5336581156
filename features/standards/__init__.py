"""Standards: named rates with a limit, read from the built-in file, a preset or the user's own file.

For others: load, standard.
"""
