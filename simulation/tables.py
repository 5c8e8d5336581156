"""The tables beside the orders: causes and truth, which no model may read, and interventions."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from simulation.arrow import MICROS, TIME, Names
from simulation.draws import Bools, Floats
from simulation.episodes import NO_ITEM, NO_REGION, Episode
from simulation.orders import DAY, ITEMS
from simulation.parameters import Parameters
from simulation.treatments import Treatment

KEY = (("seller_id", pa.string()), ("cause", pa.string()))
CAUSES = pa.schema(
    [*KEY, ("start_day", pa.int32()), ("end_day", pa.int32()), ("item_id", pa.string()), ("region", pa.string())]
)
INTERVENTIONS = pa.schema(
    [
        *(("intervention_id", pa.string()), ("seller_id", pa.string()), ("kind", pa.string())),
        *(("started_at", TIME), ("ended_at", TIME), ("arm", pa.string()), ("propensity", pa.float64())),
    ]
)


def causes_table(p: Parameters, episodes: Sequence[Episode], names: Names) -> pa.Table:
    """One row per episode; days are numbers since 1970-01-01, both inclusive."""
    first = p.sellers.first_day
    rows = [
        {
            "seller_id": names["seller_id"][e.seller],
            "cause": e.cause,
            "start_day": first + e.start,
            "end_day": first + e.end,
            "item_id": None if e.item == NO_ITEM else names["item_id"][e.seller * ITEMS + e.item],
            "region": None if e.region == NO_REGION else names["region"][e.region],
        }
        for e in episodes
    ]
    return pa.Table.from_pylist(rows, CAUSES)


def truth_table(seller_ids: Sequence[str], first_day: int, live: Bools, rates: Mapping[str, Floats]) -> pa.Table:
    """One row per seller and day on which it is there; probabilities (and expected orders) as 32-bit floats."""
    seller, day = np.nonzero(live)
    ids = pa.DictionaryArray.from_arrays(pa.array(seller, pa.int32()), pa.array(seller_ids, pa.string()))
    columns = {name: pa.array(rate[live].astype(np.float32)) for name, rate in rates.items()}
    return pa.table({"seller_id": ids, "day": pa.array(first_day + day, pa.int32()), **columns})


def interventions_table(treatments: Sequence[Treatment], names: Names, first_day: int, block: int) -> pa.Table:
    """One row per assignment, from its day's beginning to its last day's end."""
    rows = [
        {
            "intervention_id": f"i{block:05d}-{number}",
            "seller_id": names["seller_id"][t.seller],
            "kind": t.kind,
            "started_at": (first_day + t.start) * DAY * MICROS,
            "ended_at": ((first_day + t.end + 1) * DAY - 1) * MICROS,
            "arm": "treatment" if t.treated else "holdout",
            "propensity": t.propensity,
        }
        for number, t in enumerate(treatments)
    ]
    return pa.Table.from_pylist(rows, INTERVENTIONS)
