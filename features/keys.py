"""A seller and a day as one whole number: groups and joins by it are several times as fast as by a text and a day.

A short key stands for a text where many rows are looked through: equal texts have equal keys, and hardly ever others.
"""

from dataclasses import dataclass
from typing import ClassVar

DAYS = 2_097_152  # more than there are day numbers, `EVER` and `NEVER` included
EARLIEST = 1_000_000  # days before the epoch that a day number may lie: no key's day is below 0
# A seller may be spoken of before its own row is known, so every table is asked for its sellers.
SELLER_CODES = """select seller_id, row_number() over (order by seller_id) as seller
    from (select seller_id from orders union select seller_id from cases union select seller_id from feedback
        union select seller_id from sellers) as s"""


def entry(seller: str, day: str) -> str:
    """SQL for the key of a seller's code and a day."""
    return f"cast({seller} as bigint) * {DAYS} + ({day} + {EARLIEST})"


def seller_of(key: str) -> str:
    """SQL for the seller's code in a key."""
    return f"{key} // {DAYS}"


def day_of(key: str) -> str:
    """SQL for the day in a key."""
    return f"cast({key} % {DAYS} - {EARLIEST} as integer)"


@dataclass(frozen=True)
class Short:
    """A column with the short key of a text: the same number on every machine and with every engine's version."""

    name: str
    text: str

    TYPE: ClassVar[str] = "bigint"
    BITS: ClassVar[int] = 56  # a wrong text is hardly ever found: one old row makes a search as wide as all

    @property
    def sql(self) -> str:
        """SQL for the key."""
        return f"cast(md5_number_lower({self.text}) >> {64 - self.BITS} as {self.TYPE})"
