"""Labels: the standard read again one horizon later, by the same code that reads it at the as-of day."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.block import Block
from features.errors import ForesellError
from features.ledger import Ledger
from features.standards import Array, Standard
from features.states import EVER, NEVER
from features.table import FeatureTable
from features.windows import steps

RESTRICTING = ("order_cap", "hold")


@dataclass(frozen=True)
class Labels:
    """Per row: 1 breach, 0 none, nan unknown; whether that is because it is censored; whether volume was too low."""

    value: Array
    censored: NDArray[np.bool_]
    below_volume: NDArray[np.bool_]


def label(ledger: Ledger, table: FeatureTable, standard: Standard, horizon: int, data_end: int | None = None) -> Labels:
    """Breach at the close of as_of + horizon for every row of the table; nan past the data's end or where censored."""
    end = ledger.last_day if data_end is None else data_end
    target = table.as_of + horizon
    bad, volume = counts_at(ledger, standard, table.seller_id, target)
    censored = left_or_restricted(ledger, table, horizon)
    known = (target <= end) & ~censored
    return Labels(
        np.where(known, standard.breach(bad, volume).astype(np.float64), np.nan),
        censored,
        known & (volume < standard.minimum_volume),
    )


def counts_at(
    ledger: Ledger, standard: Standard, seller_id: NDArray[np.object_], day: NDArray[np.int64]
) -> tuple[Array, Array]:
    """Bad events and volume of each seller's window that closes on its day, shapes (rows,); 0 if nothing is known."""
    found = read_windows(ledger, standard, np.unique(day).tolist())
    asked = pd.DataFrame({"seller_id": seller_id, "as_of": day})
    merged = asked.merge(found, on=["seller_id", "as_of"], how="left").fillna({"bad": 0.0, "volume": 0.0})
    return merged["bad"].to_numpy(np.float64), merged["volume"].to_numpy(np.float64)


def read_windows(ledger: Ledger, standard: Standard, days: Iterable[int]) -> pd.DataFrame:
    """Columns seller_id, as_of, bad, volume: the standard's window sums at the close of the given days."""
    if missing := set(standard.quantities()) - set(ledger.quantities):
        raise ForesellError(
            rule=f"The standard {standard.name!r} needs quantities that the source can fill.",
            found=f"no {', '.join(sorted(missing))} (the source lacks their columns)",
            next_step="leave the standard out, or hand over the columns that docs/data.md names for them",
        )
    columns = {f"{q}_{standard.window_days}" for q in standard.quantities()}
    for step in steps(days, columns, "label_windows"):
        ledger.con.execute(step.sql)
    rows = ledger.con.execute("select * from label_windows").df()
    names = tuple(sorted(columns))
    bad, volume = standard.counts(Block(names, rows[list(names)].to_numpy(np.float64)))
    return pd.DataFrame(
        {"seller_id": rows["seller_id"], "as_of": rows["as_of"].astype(np.int64), "bad": bad, "volume": volume}
    )


def left_or_restricted(ledger: Ledger, table: FeatureTable, horizon: int) -> NDArray[np.bool_]:
    """Rows whose seller left, or was restricted, in (as_of, as_of + horizon]: their label cannot be known."""
    kinds = ", ".join(f"'{k}'" for k in RESTRICTING)
    left = (
        "select seller_id, left_at_day as day, valid_from, valid_to from sellers_versions where left_at_day is not null"
    )
    return _happens_within(ledger, table, horizon, f"{left} union all {_begun(f'kind in ({kinds})')}")


def treated(ledger: Ledger, table: FeatureTable, horizon: int) -> NDArray[np.bool_]:
    """Rows whose seller had an intervention begin in (as_of, as_of + horizon]: kept out of training, reported apart."""
    return _happens_within(ledger, table, horizon, _begun("coalesce(arm, '') <> 'holdout'"))


def _begun(chosen: str) -> str:
    always = f"{EVER} as valid_from, {NEVER} as valid_to"
    return f"select seller_id, started_at_day as day, {always} from interventions where {chosen}"


def _happens_within(ledger: Ledger, table: FeatureTable, horizon: int, events: str) -> NDArray[np.bool_]:
    """Rows with an event in the horizon that still counts as known at its close."""
    found = ledger.con.execute(events).df()
    rows = pd.DataFrame({"seller_id": table.seller_id, "as_of": table.as_of, "row": np.arange(len(table))})
    both = rows.merge(found, on="seller_id")
    close = both["as_of"] + horizon
    inside = (both["day"] > both["as_of"]) & (both["day"] <= close)
    known = (both["valid_from"] <= close) & (close < both["valid_to"])
    out = np.zeros(len(table), dtype=bool)
    out[both.loc[inside & known, "row"].to_numpy()] = True
    return out
