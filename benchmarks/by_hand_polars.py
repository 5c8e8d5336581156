"""The feature rows as one would write them by hand in polars: lazy frames, running sums, as-of joins.

For what the benchmark's source holds and no more: no versions, returns, cases, ratings or appeals. Column names and
formulas are the project's; everything between the order lines and them is written anew.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from core.packed_keys import EARLIEST
from features.columns.peers import MEDIUM, MINIMUM_PEERS, SEPARATOR, SMALL
from features.columns.windows import LONGEST_SPAN, quantity_of, span_of
from features.ledger.order_versions import MATURITY_DAYS, MINUTE_MICROS
from features.ledger.quantities import FIRST_STOCK_DAYS, NEW_CATEGORY_DAYS, NEW_ITEM_DAYS, PERIOD_DAYS, PERIODS_WITHOUT
from features.table import Plan

WIDE = 1 << 20  # two numbers in one key: groups and joins are several times as fast as on two columns
LEVELS: Mapping[str, Sequence[str]] = {
    "market": (),
    "category": ("category",),
    "item": ("item",),
    "region": ("region",),
    "peer_category": ("category",),
    "peer_fulfilment": ("category", "fulfilment"),
    "peer_size": ("category", "fulfilment", "size"),
}
PEER_LEVELS = ("peer_size", "peer_fulfilment", "peer_category")
Tables = Mapping[str, pl.DataFrame]


def open_tables(typed: Path) -> Tables:
    """The typed tables that intake makes, in memory."""
    return {name: pl.read_parquet(typed / f"{name}.parquet") for name in ("orders", "sellers")}


def write_rows(tables: Tables, needs: Plan, as_of: Sequence[int], out: Path) -> None:
    """Write ledger.parquet and rows.parquet."""
    sellers = tables["sellers"].select("seller_id", "region", "fulfilment").sort("seller_id").with_row_index("seller")
    lines = tables["orders"].lazy().join(sellers.lazy(), on="seller_id")
    ledger = ledger_frame(orders_frame(lines).collect(engine="streaming"), novel_frame(lines))
    named = ledger.lazy().join(sellers.lazy().select("seller", "seller_id"), on="seller").drop("seller")
    named.sink_parquet(out / "ledger.parquet")
    rows = with_days_since(windows_frame(ledger, as_of, needs), ledger, needs)
    attributes = attributes_frame(rows, sellers, lines, as_of)
    rows_frame(attributes, needs).sink_parquet(out / "rows.parquet")


def orders_frame(lines: pl.LazyFrame) -> pl.LazyFrame:
    """One row per order: the days on which something falls, and its amounts."""
    sent, settled = pl.min_horizontal("shipped_at", "cancelled_at"), pl.min_horizontal("delivered_at", "cancelled_at")
    in_time = (pl.col("shipped_at") <= pl.col("ship_by")) & (pl.col("shipped_at") <= pl.col("promised_at"))
    fault = pl.when(pl.col("fulfilment") == "platform").then(1).when(in_time).then(2).otherwise(0)
    kept = (settled <= pl.col("promised_at")).fill_null(False)
    marked = lines.with_columns(
        sent=sent,
        sent_day=pl.min_horizontal("shipped_at_day", "cancelled_at_day"),
        settled=settled,
        settled_day=pl.min_horizontal("delivered_at_day", "cancelled_at_day"),
        overdue_day=pl.when((sent <= pl.col("ship_by")).fill_null(False)).then(None).otherwise("ship_by_day"),
        late=pl.when(kept).then(None).otherwise(pl.col("promised_at_day") * 4 + fault),
        own_cancelled_day=pl.when(pl.col("cancelled_by") == "seller").then("cancelled_at_day"),
    )
    firsts = ("ordered_at", "ordered_at_day", "shipped_at", "shipped_at_day", "delivered_at", "delivered_at_day")
    orders = marked.group_by("seller", "order_id").agg(
        pl.col(*firsts, "overdue_day", "late", "cancelled_at_day", "own_cancelled_day").min(),
        pl.col("sent", "sent_day", "settled", "settled_day").max(),
        units=pl.len(),
        gross_cents=pl.col("price_cents").sum(),
        all_sent=pl.col("sent").null_count() == 0,
        all_settled=pl.col("settled").null_count() == 0,
    )
    return orders.select("seller", "units", "gross_cents", "own_cancelled_day", **_order_days())


def _order_days() -> dict[str, pl.Expr]:
    shipped = pl.col("all_sent") & pl.col("shipped_at").is_not_null()
    delivered = pl.col("all_settled") & pl.col("delivered_at").is_not_null()
    late_day, fault = pl.col("late") // 4, pl.col("late") % 4
    return {
        "ordered_day": pl.col("ordered_at_day"),
        "shipped_day": pl.when(shipped).then(pl.max_horizontal("sent_day", "shipped_at_day")),
        "handling": _minutes_to(pl.max_horizontal("sent", "shipped_at")),
        "overdue_day": pl.col("overdue_day"),
        "cleared_day": pl.when(pl.col("all_sent") & pl.col("overdue_day").is_not_null()).then("sent_day"),
        "delivered_day": pl.when(delivered).then(pl.max_horizontal("settled_day", "delivered_at_day")),
        "delivery": _minutes_to(pl.max_horizontal("settled", "delivered_at")),
        "closed_day": pl.when("all_settled").then("settled_day"),
        "late_day": late_day,
        "fault": fault,
        "cancelled_day": pl.col("cancelled_at_day"),
        "overdue_shipped_day": _from_overdue(pl.when(shipped).then(pl.max_horizontal("sent_day", "shipped_at_day"))),
        "overdue_cancelled_day": _from_overdue(pl.col("own_cancelled_day")),
        "failure_day": pl.min_horizontal(late_day, "own_cancelled_day"),
        "own_failure_day": pl.min_horizontal(pl.when(fault == 0).then(late_day), "own_cancelled_day"),
    }


def _from_overdue(day: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("overdue_day") <= day).then(day)


def _minutes_to(moment: pl.Expr) -> pl.Expr:
    return pl.max_horizontal(moment - pl.col("ordered_at"), 0) // MINUTE_MICROS


def _fault(code: int) -> pl.Expr:
    return (pl.col("fault") == code).sum()


DAILY: Mapping[str, Mapping[str, pl.Expr]] = {  # what falls on one day of an order, and what it adds
    "ordered_day": {"ordered": pl.len(), "units": pl.sum("units"), "gross_cents": pl.sum("gross_cents")},
    "shipped_day": {"shipped": pl.len(), "handling_minutes": pl.sum("handling")},
    "overdue_day": {"overdue_to_ship": pl.len()},
    "cleared_day": {"overdue_cleared": pl.len()},
    "overdue_shipped_day": {"overdue_shipped": pl.len()},
    "overdue_cancelled_day": {"overdue_cancelled": pl.len()},
    "delivered_day": {"delivered": pl.len(), "delivery_minutes": pl.sum("delivery")},
    "closed_day": {"closed": pl.len()},
    "late_day": {
        "late": pl.len(),
        "late_seller_fault": _fault(0),
        "late_platform_fault": _fault(1),
        "late_carrier_fault": _fault(2),
    },
    "cancelled_day": {"cancelled": pl.len()},
    "own_cancelled_day": {"cancelled_by_seller": pl.len()},
    "failure_day": {"service_failure": pl.len()},
    "own_failure_day": {"service_failure_seller_fault": pl.len()},
}


NOVELTIES: Mapping[str, Mapping[str, pl.Expr]] = {  # the same for orders of what is new to the seller
    "new_item_day": {"new_item_orders": pl.len()},
    "new_category_day": {"new_category_orders": pl.len()},
}
NEW = (("item_id", "new_item_day", NEW_ITEM_DAYS), ("category", "new_category_day", NEW_CATEGORY_DAYS))


def novel_frame(lines: pl.LazyFrame) -> pl.LazyFrame:
    """One row per order of something new to its seller: the first day on which it was."""
    lines = lines.select("seller", "order_id", "item_id", "category", day="ordered_at_day")
    stocked = lines.group_by("seller").agg(stocked=pl.col("day").min() + FIRST_STOCK_DAYS)
    days = []
    for column, name, span in NEW:
        first = firsts(lines, column).join(stocked, on="seller").filter(pl.col("first") >= pl.col("stocked"))
        since = pl.col("day") - pl.col("first")
        new = lines.join(first, on=["seller", column]).filter((since >= 0) & (since < span))
        days.append(new.group_by("seller", "order_id").agg(pl.col("day").min().alias(name)))
    return pl.concat(days, how="diagonal")


def firsts(lines: pl.LazyFrame, column: str) -> pl.LazyFrame:
    """The first days of each of a seller's items; of its categories, those after a pause too."""
    if column != "category":
        return lines.group_by("seller", column).agg(first=pl.col("day").min())
    period = (pl.col("day").cast(pl.Int64) + EARLIEST) // PERIOD_DAYS
    of_periods = lines.group_by("seller", column, period=period).agg(first=pl.col("day").min())
    gap = pl.col("period") - pl.col("period").shift().over("seller", column, order_by="period")
    return of_periods.with_columns(gap=gap).filter(pl.col("gap").is_null() | (pl.col("gap") > PERIODS_WITHOUT))


def ledger_frame(orders: pl.DataFrame, novel: pl.LazyFrame) -> pl.DataFrame:
    """Sums per seller and day, in that order: each kind of day summed alone, then put together."""
    summed = [
        source.filter(pl.col(day).is_not_null()).group_by(key=_key("seller", day)).agg(**sums)
        for source, daily in ((orders.lazy(), DAILY), (novel, NOVELTIES))
        for day, sums in daily.items()
    ]
    days = {**DAILY, **NOVELTIES}
    pieces = dict(zip(days, pl.collect_all(summed, engine="streaming"), strict=True))
    matured = pieces["delivered_day"].select(pl.col("key") + MATURITY_DAYS, matured_delivered="delivered")
    names = [*(name for sums in days.values() for name in sums), "matured_delivered"]
    together = pl.concat([piece.lazy() for piece in (*pieces.values(), matured)], how="diagonal_relaxed")
    keys = {"seller": (pl.col("key") // WIDE).cast(pl.UInt32), "day": (pl.col("key") % WIDE).cast(pl.Int32)}
    daily = together.group_by("key").agg(pl.col(names).sum()).sort("key")
    return daily.select(*(sql.alias(name) for name, sql in keys.items()), pl.col(names).cast(pl.Int64)).collect(
        engine="streaming"
    )


def _key(high: str, low: str | pl.Expr) -> pl.Expr:
    return pl.col(high).cast(pl.Int64) * WIDE + (pl.col(low) if isinstance(low, str) else low)


def windows_frame(ledger: pl.DataFrame, as_of: Sequence[int], needs: Plan) -> pl.LazyFrame:
    """Window sums: the running sums at the as-of day minus those at the day before the window."""
    first = (
        ledger.lazy()
        .group_by("seller", maintain_order=True)
        .agg(first_day=pl.col("day").first(), first_ordered=pl.col("day").filter(pl.col("ordered") > 0).first())
    )
    days = pl.LazyFrame({"as_of": list(as_of)}, schema={"as_of": pl.Int32})
    rows = first.join(days, how="cross", maintain_order="left_right").filter(pl.col("as_of") >= pl.col("first_day"))
    # Summed over all sellers in their order: what came before a seller drops out of every difference.
    totals = {quantity_of(c): pl.col(quantity_of(c)).cum_sum() for c in sorted(needs.windows)}
    running = ledger.lazy().select(key=_key("seller", "day").set_sorted(), last_day="day", **totals)
    rows = rows.with_columns(key=_key("seller", "as_of").set_sorted()).join_asof(running, on="key")
    for span in sorted({span_of(c) for c in needs.windows}):
        then = running.select("key", **{c: pl.col(quantity_of(c)) for c in needs.windows if span_of(c) == span})
        before = pl.lit(0) if span == "all" else pl.col("as_of") - int(span)
        rows = rows.with_columns(key=_key("seller", before).set_sorted()).join_asof(then, on="key")
    sums = {c: pl.col(quantity_of(c)) - pl.col(c).fill_null(0) for c in sorted(needs.windows)}
    tenure = pl.when(pl.col("as_of") >= pl.col("first_ordered")).then(pl.col("as_of") - pl.col("first_ordered"))
    known = rows.filter(pl.col("as_of") - pl.col("last_day") < LONGEST_SPAN)
    return known.select("seller", "as_of", tenure_days=tenure, **sums)


def with_days_since(rows: pl.LazyFrame, ledger: pl.DataFrame, needs: Plan) -> pl.LazyFrame:
    """The rows with the days since something last happened to each seller."""
    for name in sorted(needs.since):
        happened = ledger.lazy().filter(pl.col(name.removeprefix("since_")) > 0)
        last = happened.select(key=_key("seller", "day").set_sorted(), whose="seller", last="day")
        rows = rows.with_columns(key=_key("seller", "as_of").set_sorted()).join_asof(last, on="key")
        days = pl.when(pl.col("whose") == pl.col("seller")).then(pl.col("as_of") - pl.col("last"))
        rows = rows.with_columns(days.alias(name)).drop("key", "whose", "last")
    return rows


def leading_frame(lines: pl.LazyFrame, name: str, column: str, as_of: Sequence[int]) -> pl.LazyFrame:
    """The value with most of a seller's lines up to an as-of day, from then on; of equals the last by name."""
    codes = lines.select(pl.col(column).drop_nulls().unique().sort()).with_row_index("code").collect()
    known = pl.LazyFrame({"as_of": list(as_of)}, schema={"as_of": pl.Int32})
    weeks = pl.LazyFrame({"ordered_at_day": range(as_of[-1] + 1)}, schema={"ordered_at_day": pl.Int32})
    weekly = (
        lines.join(codes.lazy(), on=column)
        .join(
            weeks.join_asof(known, left_on="ordered_at_day", right_on="as_of", strategy="forward"), on="ordered_at_day"
        )
        .group_by("as_of", value=_key("seller", "code"))
        .agg(lines=pl.len())
        .sort("as_of")
    )
    # Lines only add up, so the highest score so far belongs to the value that leads.
    so_far = pl.col("lines").cum_sum().over("value").cast(pl.Int64)
    scored = weekly.select("as_of", seller=pl.col("value") // WIDE, score=so_far * WIDE + pl.col("value") % WIDE)
    leads = scored.with_columns(code=pl.col("score").cum_max().over("seller") % WIDE).group_by("seller", "as_of")
    last = leads.agg(pl.col("code").last().cast(pl.UInt32)).join(codes.lazy(), on="code").sort("seller", "as_of")
    return last.select(pl.col(column).alias(name), leader="seller", key=_key("seller", "as_of").set_sorted())


def attributes_frame(
    windows: pl.LazyFrame, sellers: pl.DataFrame, lines: pl.LazyFrame, as_of: Sequence[int]
) -> pl.DataFrame:
    """Window rows with the attributes of their sellers."""
    rows = windows.join(sellers.lazy(), on="seller", maintain_order="left")
    for name, column in (("category", "category"), ("item", "item_id")):
        leading = leading_frame(lines, name, column, as_of)
        rows = rows.with_columns(key=_key("seller", "as_of").set_sorted()).join_asof(leading, on="key")
        rows = rows.with_columns(pl.when(pl.col("leader") == pl.col("seller")).then(name).alias(name)).drop("leader")
    large = pl.when(pl.col("ordered_60") < MEDIUM).then(pl.lit("medium")).otherwise(pl.lit("large"))
    size = pl.when(pl.col("ordered_60") < SMALL).then(pl.lit("small")).otherwise(large)
    texts = pl.col("category", "item", "region", "fulfilment").fill_null("")
    return (
        rows.drop("key", "seller")
        .with_columns(texts, size=size, worst_item=pl.lit(""), troubled_item=pl.lit(""))
        .collect(engine="streaming")
    )


def rows_frame(attributes: pl.DataFrame, needs: Plan) -> pl.LazyFrame:
    """Window rows with their groups' figures and the formulas."""
    rows = attributes.lazy()
    for level, keys in LEVELS.items():
        rows = rows.join(figures_frame(attributes, level, needs), on=["as_of", *keys])
    finest = {
        c: _finest([pl.col(f"{level}_{c}") for level in (*PEER_LEVELS, "market")]) for c in ("sellers", *_peer(needs))
    }
    names = [pl.concat_str(keys, separator=SEPARATOR) for keys in (LEVELS[level] for level in PEER_LEVELS)]
    active = (pl.col("ordered_28") > 0) | (pl.col("ordered_all") > pl.col("closed_all"))
    named = rows.with_columns(
        *(sql.alias(f"peer_{c}") for c, sql in finest.items()),
        peer_group=_finest([*names, pl.lit("")]),
        active=active.cast(pl.Int32),
    )
    kept = [*attributes.columns, *(f"{g}_{c}" for g, c in sorted(needs.groups)), "peer_sellers", "peer_group", "active"]
    return named.select(*kept, *(_formula(f.formula).alias(f.name) for f in needs.features))


def _formula(text: str) -> pl.Expr:
    """A feature's formula; left alone, its decimal numbers would make slow and rounded decimals of the counts."""
    return pl.sql_expr(re.sub(r"\d+\.\d+", r"cast(\g<0> as double)", text))


def figures_frame(attributes: pl.DataFrame, level: str, needs: Plan) -> pl.LazyFrame:
    """A level's groups: sellers with an order in 60 days, and sums of the window columns that are published."""
    columns = {c for group, c in needs.groups if group == level}
    if level in (*PEER_LEVELS, "market"):
        columns |= set(_peer(needs))
    sellers = (pl.col("ordered_60") > 0).sum().cast(pl.Int64).alias(f"{level}_sellers")
    sums = [pl.col(c).sum().alias(f"{level}_{c}") for c in sorted(columns)]
    return attributes.lazy().group_by("as_of", *LEVELS[level]).agg(sellers, *sums)


def _peer(needs: Plan) -> list[str]:
    return [c for group, c in sorted(needs.groups) if group == "peer"]


def _finest(values: Sequence[pl.Expr]) -> pl.Expr:
    """The value of the finest peer group that is large enough; the last where none is."""
    value = values[-1]
    for level, finer in reversed(list(zip(PEER_LEVELS, values, strict=False))):
        value = pl.when(pl.col(f"{level}_sellers") >= MINIMUM_PEERS).then(finer).otherwise(value)
    return value
