"""Who acts on a case."""

from dataclasses import dataclass

REVIEWER, MANAGER, SELLER, SYSTEM = "reviewer", "manager", "seller", "system"
STAFF = (REVIEWER, MANAGER)


@dataclass(frozen=True)
class Person:
    """A named person; seller_id: the one seller that the role seller speaks for."""

    name: str
    role: str
    seller_id: str = ""


FORESELL = Person("foresell", SYSTEM)  # what the weekly opening and the recomputation do by themselves
