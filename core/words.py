"""Words for people."""


def count_of(number: float, one: str, several: str = "") -> str:
    """A count with its noun in the right form, which ends in s unless `several` is given.

    >>> count_of(1, "row"), count_of(1200, "row"), count_of(2, "entry", "entries")
    ('1 row', '1,200 rows', '2 entries')
    """
    shown = f"{number:,.0f}"
    return f"{shown} {one if shown == '1' else several or f'{one}s'}"
