"""The feature rows as one would write them by hand in pandas: group-bys, running sums, as-of merges.

For what the benchmark's source holds and no more: no versions, returns, cases, ratings or appeals. Column names and
formulas are the project's; everything between the order lines and them is written anew.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlglot
from sqlglot import exp

from benchmarks.by_hand_polars import LEVELS, PEER_LEVELS
from core.packed_keys import EARLIEST
from features.columns.peers import MEDIUM, MINIMUM_PEERS, SEPARATOR, SMALL
from features.columns.windows import LONGEST_SPAN, quantity_of, span_of
from features.ledger.order_versions import MATURITY_DAYS, MINUTE_MICROS
from features.ledger.quantities import FIRST_STOCK_DAYS, NEW_CATEGORY_DAYS, NEW_ITEM_DAYS, PERIOD_DAYS, PERIODS_WITHOUT
from features.table import Plan

Frame = pd.DataFrame
Columns = Mapping[str, pd.Series]
NEW = (("item_id", NEW_ITEM_DAYS, "new_item_orders"), ("category", NEW_CATEGORY_DAYS, "new_category_orders"))
FAULTS = ("late_seller_fault", "late_platform_fault", "late_carrier_fault")
WIDE = 1 << 20  # two numbers in one key: groups and joins are much faster than on two columns


def open_tables(typed: Path) -> Mapping[str, Frame]:
    """The typed tables that intake makes, in memory; absent numbers are pandas' own."""
    return {n: pd.read_parquet(typed / f"{n}.parquet", dtype_backend="pyarrow") for n in ("orders", "sellers")}


def write_rows(tables: Mapping[str, Frame], needs: Plan, as_of: Sequence[int], out: Path) -> None:
    """Write ledger.parquet and rows.parquet."""
    sellers = tables["sellers"].sort_values("seller_id", ignore_index=True)[["seller_id", "region", "fulfilment"]]
    lines = lines_frame(tables["orders"], sellers)
    ledger = ledger_frame(orders_frame(lines, sellers), lines)
    named = ledger.assign(seller_id=sellers["seller_id"].take(ledger["seller"].to_numpy()).array).drop(columns="seller")
    named.to_parquet(out / "ledger.parquet", index=False)
    rows = with_days_since(windows_frame(ledger, as_of, needs), ledger, needs)
    rows_frame(attributes_frame(rows, sellers, lines, as_of), needs).to_parquet(out / "rows.parquet", index=False)


def lines_frame(orders: Frame, sellers: Frame) -> Frame:
    """Order lines with numbers for sellers and orders, and plain arrays: nan where something has not happened."""
    codes = pd.Series(np.arange(len(sellers)), index=pd.Index(sellers["seller_id"].astype(str)))
    moments = ("ordered_at", "ship_by", "shipped_at", "promised_at", "delivered_at", "cancelled_at")
    columns = {n: orders[n].to_numpy(dtype=np.float64, na_value=np.nan) for m in moments for n in (m, f"{m}_day")}
    columns |= {"price_cents": orders["price_cents"].to_numpy(dtype=np.int64)}
    absent: Any = None
    columns |= {n: orders[n].to_numpy(dtype=object, na_value=absent) for n in ("item_id", "category", "cancelled_by")}
    seller = codes.reindex(orders["seller_id"].to_numpy(dtype=object)).to_numpy()
    return pd.DataFrame({"seller": seller, "order": pd.factorize(orders["order_id"])[0], **columns}, copy=False)


def orders_frame(lines: Frame, sellers: Frame) -> Frame:
    """One row per order: the days on which something falls, and its amounts."""
    platform = (sellers["fulfilment"] == "platform").fillna(False).to_numpy(dtype=bool)[lines["seller"]]
    sent, settled = (lines[[f"{m}_at", "cancelled_at"]].min(axis=1) for m in ("shipped", "delivered"))
    in_time = (lines["shipped_at"] <= lines["ship_by"]) & (lines["shipped_at"] <= lines["promised_at"])
    fault = np.select([platform, in_time], [1, 2], 0)
    marked = lines.assign(
        units=1,
        sent=sent,
        sent_day=lines[["shipped_at_day", "cancelled_at_day"]].min(axis=1),
        settled=settled,
        settled_day=lines[["delivered_at_day", "cancelled_at_day"]].min(axis=1),
        overdue_day=lines["ship_by_day"].where(~(sent <= lines["ship_by"])),
        late=(lines["promised_at_day"] * 4 + fault).where(~(settled <= lines["promised_at"])),
        own_cancelled_day=lines["cancelled_at_day"].where(lines["cancelled_by"] == "seller"),
        all_sent=sent.notna(),
        all_settled=settled.notna(),
    )
    firsts = [f"{m}{d}" for m in ("ordered_at", "shipped_at", "delivered_at") for d in ("", "_day")]
    how = dict.fromkeys((*firsts, "overdue_day", "late", "cancelled_at_day", "own_cancelled_day"), "min")
    how |= dict.fromkeys(("sent", "sent_day", "settled", "settled_day"), "max")
    how |= dict.fromkeys(("units", "price_cents"), "sum") | dict.fromkeys(("all_sent", "all_settled"), "min")
    return pd.DataFrame(order_days(marked.groupby(["seller", "order"]).agg(how).reset_index()))


def order_days(o: Frame) -> dict[str, pd.Series | np.ndarray]:
    """Days and amounts of each order."""
    shipped, delivered = o["all_sent"] & o["shipped_at"].notna(), o["all_settled"] & o["delivered_at"].notna()
    shipped_day = o[["sent_day", "shipped_at_day"]].max(axis=1).where(shipped)
    late_day, fault = o["late"] // 4, o["late"] % 4
    return {
        "seller": o["seller"],
        "units": o["units"],
        "gross_cents": o["price_cents"],
        "fault": fault,
        "handling": _minutes(o[["sent", "shipped_at"]].max(axis=1) - o["ordered_at"]),
        "delivery": _minutes(o[["settled", "delivered_at"]].max(axis=1) - o["ordered_at"]),
        "ordered_day": o["ordered_at_day"],
        "shipped_day": shipped_day,
        "overdue_day": o["overdue_day"],
        "cleared_day": o["sent_day"].where(o["all_sent"] & o["overdue_day"].notna()),
        "overdue_shipped_day": shipped_day.where(o["overdue_day"] <= shipped_day),
        "overdue_cancelled_day": o["own_cancelled_day"].where(o["overdue_day"] <= o["own_cancelled_day"]),
        "delivered_day": o[["settled_day", "delivered_at_day"]].max(axis=1).where(delivered),
        "closed_day": o["settled_day"].where(o["all_settled"]),
        "late_day": late_day,
        "cancelled_day": o["cancelled_at_day"],
        "own_cancelled_day": o["own_cancelled_day"],
        "failure_day": np.fmin(late_day, o["own_cancelled_day"]),
        "own_failure_day": np.fmin(late_day.where(fault == 0), o["own_cancelled_day"]),
    }


def _minutes(micros: pd.Series) -> pd.Series:
    return micros.clip(lower=0) // MINUTE_MICROS


DAILY: Mapping[str, Mapping[str, str]] = {  # what falls on one day of an order, and what it adds ("": one)
    "ordered_day": {"ordered": "", "units": "units", "gross_cents": "gross_cents"},
    "shipped_day": {"shipped": "", "handling_minutes": "handling"},
    "overdue_day": {"overdue_to_ship": ""},
    "cleared_day": {"overdue_cleared": ""},
    "overdue_shipped_day": {"overdue_shipped": ""},
    "overdue_cancelled_day": {"overdue_cancelled": ""},
    "delivered_day": {"delivered": "", "delivery_minutes": "delivery"},
    "closed_day": {"closed": ""},
    "late_day": {"late": "", **{name: name for name in FAULTS}},
    "cancelled_day": {"cancelled": ""},
    "own_cancelled_day": {"cancelled_by_seller": ""},
    "failure_day": {"service_failure": ""},
    "own_failure_day": {"service_failure_seller_fault": ""},
}


def ledger_frame(orders: Frame, lines: Frame) -> Frame:
    """Sums per seller and day, in that order: each kind of day summed alone, then put together."""
    orders = orders.assign(**{name: (orders["fault"] == code).astype(int) for code, name in enumerate(FAULTS)})
    pieces = [_daily(orders, day, adds) for day, adds in DAILY.items()]
    delivered = next(piece for piece in pieces if "delivered" in piece)["delivered"]
    matured = delivered.rename("matured_delivered").to_frame().set_axis(delivered.index + MATURITY_DAYS)
    together = pd.concat([*pieces, matured, *novel(lines)], axis=1).fillna(0).astype(np.int64).sort_index()
    keys = {"seller": together.index // WIDE, "day": (together.index % WIDE).astype(np.int32)}
    return together.assign(**keys).reset_index(drop=True)


def _daily(orders: Frame, day: str, adds: Mapping[str, str]) -> Frame:
    there = orders[orders[day].notna()]
    key = there["seller"] * WIDE + there[day].astype(np.int64)
    columns = {name: there[of] if of else np.ones(len(there), np.int64) for name, of in adds.items()}
    return pd.DataFrame(columns, index=there.index).groupby(key.to_numpy()).sum()


def novel(lines: Frame) -> Iterator[Frame]:
    """Orders of something new to their seller by its first day as such: per seller and day."""
    day = lines["ordered_at_day"].astype(np.int64)
    stocked = day.groupby(lines["seller"]).transform("min") + FIRST_STOCK_DAYS
    for column, span, name in NEW:
        first = taken_on(lines, column, day)
        new = lines[["seller", "order"]].assign(day=day)[(first >= stocked) & (day < first + span)]
        by_order = new.groupby(["seller", "order"])["day"].min().reset_index()
        key = by_order["seller"] * WIDE + by_order["day"]
        yield key.groupby(key.to_numpy()).size().rename(name).to_frame()


def taken_on(lines: Frame, column: str, day: pd.Series) -> pd.Series:
    """For each line, the day on which its item was taken on, or its category, after its last pause."""
    if column != "category":
        return day.groupby([lines["seller"], lines[column]]).transform("min")
    keyed = lines[["seller", column]].assign(period=(day + EARLIEST) // PERIOD_DAYS, day=day)
    of_periods = keyed.groupby(["seller", column, "period"])["day"].min().reset_index()
    same = of_periods.groupby(["seller", column])
    gap = of_periods["period"] - same["period"].shift()
    of_periods["began"] = of_periods["day"].where(gap.isna() | (gap > PERIODS_WITHOUT))
    of_periods["began"] = same["began"].ffill()
    found = keyed.merge(of_periods, on=["seller", column, "period"], how="left")["began"]
    return found.set_axis(lines.index)


def windows_frame(ledger: Frame, as_of: Sequence[int], needs: Plan) -> Frame:
    """Window sums: the running sums at the as-of day minus those at the day before the window."""
    days = ledger.groupby("seller")["day"]
    first = pd.DataFrame({"first_day": days.min()})
    first["first_ordered"] = ledger[ledger["ordered"] > 0].groupby("seller")["day"].min()
    rows = first.reset_index().merge(pd.DataFrame({"as_of": np.array(as_of, np.int64)}), how="cross")
    rows = rows[rows["as_of"] >= rows["first_day"]].reset_index(drop=True)
    keys, owners = (ledger["seller"] * WIDE + ledger["day"]).to_numpy(), rows["seller"].to_numpy()
    names = sorted(needs.windows)
    # Summed over all sellers in their order: what came before a seller drops out of every difference.
    totals = {q: np.concatenate([[0], ledger[q].to_numpy().cumsum()]) for q in sorted({quantity_of(c) for c in names})}
    ends = np.searchsorted(keys, owners * WIDE + rows["as_of"], side="right")
    found: dict[str, np.ndarray] = {}
    for span in sorted({span_of(c) for c in names}):
        before = 0 if span == "all" else np.maximum(rows["as_of"] - int(span), 0)
        starts = np.searchsorted(keys, owners * WIDE + before, side="right")
        for column in (c for c in names if span_of(c) == span):
            found[column] = totals[quantity_of(column)][ends] - totals[quantity_of(column)][starts]
    tenure = (rows["as_of"] - rows["first_ordered"]).where(rows["as_of"] >= rows["first_ordered"])
    recent = rows["as_of"] - ledger["day"].to_numpy()[ends - 1] < LONGEST_SPAN
    result: Frame = pd.DataFrame(
        {"seller": owners, "as_of": rows["as_of"], "tenure_days": tenure.astype("Int32"), **found}
    )
    kept: Frame = result.loc[recent]
    return kept.reset_index(drop=True)


def with_days_since(rows: Frame, ledger: Frame, needs: Plan) -> Frame:
    """The rows with the days since something last happened to each seller."""
    for name in sorted(needs.since):
        happened = ledger[ledger[name.removeprefix("since_")] > 0]
        found = _latest(rows, happened["seller"].to_numpy(), happened["day"].to_numpy())
        last = pd.Series(happened["day"].to_numpy(), dtype="Int32").take(np.maximum(found, 0)).reset_index(drop=True)
        rows[name] = (rows["as_of"] - last).where(found >= 0)
    return rows


def _latest(rows: Frame, sellers: np.ndarray, days: np.ndarray) -> np.ndarray:
    """For each row, the place of its seller's last entry up to its as-of day; -1 where there is none. In order."""
    keys = sellers.astype(np.int64) * WIDE + days
    found = np.searchsorted(keys, rows["seller"].to_numpy() * WIDE + rows["as_of"].to_numpy(), side="right") - 1
    return np.where((found >= 0) & (sellers[np.maximum(found, 0)] == rows["seller"].to_numpy()), found, -1)


def leading(rows: Frame, lines: Frame, column: str, as_of: Sequence[int]) -> np.ndarray:
    """The value with most of a seller's lines up to each as-of day; of equals the last by name."""
    codes, values = pd.factorize(lines[column], sort=True)
    weeks = np.searchsorted(np.array(as_of), lines["ordered_at_day"].to_numpy())
    known = (codes >= 0) & (weeks < len(as_of))
    owner = lines["seller"].to_numpy()[known] * WIDE + codes[known]
    counted = pd.DataFrame({"owner": owner, "week": weeks[known]}).value_counts(sort=False).rename("lines")
    weekly = counted.sort_index(level="week").reset_index()
    # Lines only add up, so the highest score so far belongs to the value that leads.
    score = weekly.groupby("owner")["lines"].cumsum() * WIDE + weekly["owner"] % WIDE
    best = score.groupby(weekly["owner"] // WIDE).cummax()
    leads = pd.DataFrame({"seller": weekly["owner"] // WIDE, "week": weekly["week"], "code": best % WIDE})
    last = leads.groupby(["seller", "week"])["code"].last().reset_index()
    found = _latest(rows, last["seller"].to_numpy(), np.array(as_of)[last["week"]])
    names = np.append(np.asarray(values, dtype=object)[last["code"]], "")
    return np.asarray(names[found])


def attributes_frame(windows: Frame, sellers: Frame, lines: Frame, as_of: Sequence[int]) -> Frame:
    """Window rows with the attributes of their sellers."""
    owned = sellers.take(windows["seller"].to_numpy()).reset_index(drop=True)
    orders = windows["ordered_60"]
    size = np.select([orders < SMALL, orders < MEDIUM], ["small", "medium"], "large")
    texts = {n: owned[n].fillna("").to_numpy(dtype=object) for n in ("region", "fulfilment")}
    texts |= {n: leading(windows, lines, c, as_of) for n, c in (("category", "category"), ("item", "item_id"))}
    texts |= {"size": size.astype(object), "seller_id": owned["seller_id"].to_numpy(dtype=object)}
    return windows.drop(columns="seller").assign(**texts, worst_item="", troubled_item="")


def rows_frame(attributes: Frame, needs: Plan) -> Frame:
    """Window rows with their groups' figures and the formulas."""
    peers = sorted(c for group, c in needs.groups if group == "peer")
    levels = {level: figures(attributes, level, keys, needs, peers) for level, keys in LEVELS.items()}
    found = {f"{g}_{c}": levels[g][c] for g, c in sorted(needs.groups) if g != "peer"}
    large = [levels[level]["sellers"] >= MINIMUM_PEERS for level in PEER_LEVELS]
    for column in ("sellers", *peers):
        finest = [levels[level][column] for level in PEER_LEVELS]
        found[f"peer_{column}"] = np.select(large, finest, levels["market"][column])
    names = [attributes[list(LEVELS[level])].agg(SEPARATOR.join, axis=1) for level in PEER_LEVELS]
    active = (attributes["ordered_28"] > 0) | (attributes["ordered_all"] > attributes["closed_all"])
    found |= {"peer_group": np.select(large, names, ""), "active": active.astype(np.int32).to_numpy()}
    rows = pd.concat([attributes, pd.DataFrame(found)], axis=1)
    return pd.concat([rows, pd.DataFrame({f.name: formula(f.formula, rows) for f in needs.features})], axis=1)


def figures(rows: Frame, level: str, keys: Sequence[str], needs: Plan, peers: Sequence[str]) -> dict[str, np.ndarray]:
    """For each row, what its group of a level comes to: sellers with an order in 60 days, and published sums."""
    columns = {c for group, c in needs.groups if group == level}
    columns |= set(peers) if level in (*PEER_LEVELS, "market") else set()
    summed = rows[sorted(columns)].assign(sellers=(rows["ordered_60"] > 0).astype(np.int64))
    group = rows.groupby(["as_of", *keys], sort=False).ngroup().to_numpy()
    totals = summed.groupby(group).sum()
    return {str(name): totals[name].to_numpy()[group] for name in totals}


ARITHMETIC: Mapping[type[exp.Expr], Callable[[Any, Any], Any]] = {
    exp.Add: np.add,
    exp.Sub: np.subtract,
    exp.Mul: np.multiply,
    exp.Div: np.divide,
    exp.GT: np.greater,
    exp.Least: np.fmin,
    exp.Greatest: np.fmax,
    exp.Nullif: lambda a, b: np.where(a == b, np.nan, a),
    exp.Coalesce: lambda a, b: np.where(np.isnan(a), b, a),
}


def formula(text: str, rows: Frame) -> Any:
    """A feature's formula over the rows, in binary numbers; nan where it is undefined."""
    return _worked_out(sqlglot.parse_one(text, read="duckdb"), rows)


def _worked_out(node: exp.Expr, rows: Frame) -> Any:
    match node:
        case exp.Column():
            return rows[node.name].to_numpy(dtype=np.float64, na_value=np.nan)
        case exp.Literal():
            return float(node.this)
        case exp.Paren() | exp.Cast():
            return _worked_out(node.this, rows)
        case exp.Case():
            (branch,) = node.args["ifs"]
            parts = (branch.this, branch.args["true"], node.args["default"])
            return np.where(*(_worked_out(part, rows) for part in parts))
    terms = [node.this, *(node.expressions or [node.expression])]
    return reduce(ARITHMETIC[type(node)], (_worked_out(term, rows) for term in terms))
