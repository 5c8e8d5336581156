"""A seller and a day as one whole number: grouping and joining by it is several times as fast as by a text and a day.

A short key replaces a text where many rows are searched: equal texts have equal keys, and different texts almost
always have different keys.
"""

from dataclasses import dataclass
from typing import ClassVar

DAYS = 2_097_152  # more than the number of different day numbers, `EVER` and `NEVER` included
EARLIEST = 1_000_000  # added to a day number, which is at least -EARLIEST, so that the day in a key is not negative
# A seller may occur in other tables before its own row is known, so all tables are read for sellers.
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
class ShortKey:
    """A column with the short key of a text; every machine and every version of an engine computes the same key."""

    name: str
    text: str

    TYPE: ClassVar[str] = "bigint"
    BITS: ClassVar[int] = 56  # collisions are rare and only widen a search; they never return a wrong row

    @property
    def sql(self) -> str:
        """SQL for the key."""
        return f"cast(md5_number_lower({self.text}) >> {64 - self.BITS} as {self.TYPE})"
