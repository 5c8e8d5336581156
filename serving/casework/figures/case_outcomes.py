"""Outcomes of cases: whether the seller was in breach on one of the 28 days after the scores that opened the case."""

from collections.abc import Mapping

import numpy as np
import sqlalchemy as sa

from core.days import day_number
from features.labels import read_windows
from features.ledger.build import Ledger
from features.standards.standard import Standard
from models.arithmetic.economy import AHEAD_DAYS
from serving.database.connection import writing
from serving.database.tables.casework import CASES


def fill_outcomes(engine: sa.Engine, ledger: Ledger, standards: Mapping[str, Standard]) -> int:
    """Fill in the outcome of every case whose 28 days have passed; standards by risk. Returns how many."""
    with writing(engine) as con:
        open_ends = sa.select(CASES.c.case_id, CASES.c.seller_id, CASES.c.risk, CASES.c.opened_as_of)
        rows = con.execute(open_ends.where(CASES.c.breached.is_(None))).all()
        ripe = [(r.case_id, r.seller_id, r.risk, day_number(r.opened_as_of)) for r in rows]
        ripe = [one for one in ripe if one[3] + AHEAD_DAYS <= ledger.last_day and one[2] in standards]
        for risk, day in sorted({(risk, day) for *_, risk, day in ripe}):
            late = _sellers_in_breach(ledger, standards[risk], day)
            mine = [(case_id, seller_id) for case_id, seller_id, *key in ripe if key == [risk, day]]
            for came_true in (True, False):
                ids = [case_id for case_id, seller_id in mine if (seller_id in late) == came_true]
                con.execute(sa.update(CASES).where(CASES.c.case_id.in_(ids)).values(breached=came_true))
    return len(ripe)


def _sellers_in_breach(ledger: Ledger, standard: Standard, day: int) -> set[str]:
    """Sellers in breach at the close of one of the AHEAD_DAYS days after `day`."""
    found = read_windows(ledger, standard, range(day + 1, day + AHEAD_DAYS + 1))
    broken = standard.breach(found["bad"].to_numpy(np.float64), found["volume"].to_numpy(np.float64))
    return set(found.loc[broken, "seller_id"])
