"""Labels: whether the standard is in breach one horizon after the as-of day, by the same code as on the as-of day."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.block import Block
from core.errors import ForesellError
from features.columns.windows import steps
from features.ingest.contract import RESTRICTING
from features.ledger.build import Ledger
from features.ledger.order_versions import EVER, NEVER
from features.standards.standard import Array, Standard
from features.table import FeatureTable


@dataclass(frozen=True)
class Labels:
    """By row: 1 for a breach, 0 for none, nan for unknown; whether the row is censored; whether volume was too low."""

    value: Array
    censored: NDArray[np.bool_]
    below_volume: NDArray[np.bool_]


def label(ledger: Ledger, table: FeatureTable, standard: Standard, horizon: int, data_end: int | None = None) -> Labels:
    """Breach at the close of as_of + horizon for every row of the table; nan after the data's end or if censored."""
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
    """Bad events and volume in each seller's window at the close of its day, shapes (rows,); 0 without ledger rows."""
    windows = read_windows(ledger, standard, np.unique(day).tolist())
    rows = pd.DataFrame({"seller_id": seller_id, "as_of": day})
    merged = rows.merge(windows, on=["seller_id", "as_of"], how="left").fillna({"bad": 0.0, "volume": 0.0})
    return merged["bad"].to_numpy(np.float64), merged["volume"].to_numpy(np.float64)


def read_windows(ledger: Ledger, standard: Standard, days: Iterable[int]) -> pd.DataFrame:
    """Columns seller_id, as_of, bad, volume: the window sums of a standard at the close of the given days."""
    if missing := set(standard.quantities()) - set(ledger.quantities):
        raise ForesellError(
            rule=f"The source must have the ledger quantities of the standard {standard.name!r}.",
            found=f"no {', '.join(sorted(missing))} (the source lacks their columns)",
            next_step="leave the standard out, or add the columns that docs/data.md lists for these quantities",
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
    """Rows whose seller left or was restricted in (as_of, as_of + horizon]: their label is unknown."""
    kinds = ", ".join(f"'{k}'" for k in RESTRICTING)
    left = (
        "select seller_id, left_at_day as day, valid_from, valid_to from sellers_versions where left_at_day is not null"
    )
    return _happens_within(ledger, table, horizon, f"{left} union all {_interventions(f'kind in ({kinds})')}")


def treated(ledger: Ledger, table: FeatureTable, horizon: int) -> NDArray[np.bool_]:
    """Rows with an intervention that began in (as_of, as_of + horizon]: not used in training, reported separately."""
    return _happens_within(ledger, table, horizon, _interventions("coalesce(arm, '') <> 'holdout'"))


def _interventions(condition: str) -> str:
    always = f"{EVER} as valid_from, {NEVER} as valid_to"
    return f"select seller_id, started_at_day as day, {always} from interventions where {condition}"


def _happens_within(ledger: Ledger, table: FeatureTable, horizon: int, events: str) -> NDArray[np.bool_]:
    """Rows with an event in the horizon that is still valid at the horizon's close."""
    dated_events = ledger.con.execute(events).df()
    rows = pd.DataFrame({"seller_id": table.seller_id, "as_of": table.as_of, "row": np.arange(len(table))})
    both = rows.merge(dated_events, on="seller_id")
    close = both["as_of"] + horizon
    inside = (both["day"] > both["as_of"]) & (both["day"] <= close)
    known = (both["valid_from"] <= close) & (close < both["valid_to"])
    out = np.zeros(len(table), dtype=bool)
    out[both.loc[inside & known, "row"].to_numpy()] = True
    return out
