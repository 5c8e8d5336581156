"""The figures behind a verdict, from the row that was scored: arithmetic, standards, faults, peers, items."""

from collections.abc import Mapping, Sequence
from typing import Any

from features.standards import Standard
from models import beta_binomial
from models.roll_forward import project
from serving.casework.records import Record
from serving.casework.standings import UNITS, Standing, standings
from serving.review import days
from serving.review.charts import stack
from serving.review.histories import Histories
from serving.review.seller.reasons import orders_href
from serving.review.seller.views import ArithmeticView, FaultView, ItemView, PeerView, StandardView

STACK_WIDTH = 860
FAULT_DAYS = 60
SHOWN_ITEMS = 6


def arithmetic(record: Record, standard: Standard, said: Mapping[str, Any]) -> ArithmeticView:
    """What leaves the window, what stays, what will come, and what the standard still allows."""
    ahead = project(standard, record.block, record.horizon_days)
    now, stay = (int(ahead.now_x[0]), int(ahead.now_n[0])), (int(ahead.stay_x[0]), int(ahead.stay_n[0]))
    coming = int(ahead.coming[0])
    expected = float(beta_binomial.mean(ahead.coming, ahead.a, ahead.b)[0])
    leave = (now[1] - stay[1], now[0] - stay[0])
    low, high = said["expected_rate_interval_90"] or (None, None)
    return ArithmeticView(
        unit=unit_of(standard),
        window_days=standard.window_days,
        until=days.after(record.as_of, record.horizon_days),
        bad=now[0],
        volume=now[1],
        leaving_bad=leave[1],
        leaving_volume=leave[0],
        staying_bad=stay[0],
        staying_volume=stay[1],
        coming=coming,
        room=int(ahead.room[0]),
        expected_events=expected,
        expected_rate=said["expected_rate"],
        expected_low=low,
        expected_high=high,
        stack=stack(STACK_WIDTH, leave, (stay[1], stay[0]), (coming, expected)),
    )


def unit_of(standard: Standard) -> str:
    """What a standard's volume counts, in words."""
    return " and ".join(UNITS.get(q, q.replace("_", " ")) for q in standard.denominator)


def standard_views(record: Record, standards: Sequence[Standard]) -> tuple[StandardView, ...]:
    """Every standard that the row can tell, the headlines first."""
    able = standings(standards, record.block, record.as_of, record.horizon_days)
    ranked = sorted(able, key=lambda s: (not s.standard.headline, s.standard.risk))
    return tuple(_standard_view(one, record.said["risks"]) for one in ranked)


def _standard_view(one: Standing, risks: Mapping[str, Any]) -> StandardView:
    s, said = one.standard, _answered(one.standard, risks)
    expected, interval = one.expected_rate, one.expected_interval_90
    if s.headline and said:  # what the API answers, whose interval the training widened or narrowed
        expected, interval = said["expected_rate"], said["expected_rate_interval_90"]
    low, high = interval or (None, None)
    drawn = [value for value in (one.rate, float(s.limit), expected, high) if value is not None]
    return StandardView(
        title=s.title,
        version=s.version,
        risk=s.risk,
        bad=one.bad,
        volume=one.volume,
        unit=unit_of(s),
        window_days=s.window_days,
        rate=one.rate,
        comparator=s.comparator,
        limit=float(s.limit),
        expected=expected,
        low=low,
        high=high,
        probability=said["probability"] if said else None,
        standing=_standing(one),
        scale=max(drawn) * 1.1 or 1.0,
    )


def _answered(standard: Standard, risks: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the answer says of a standard: a headline's own risk, or a part's probability."""
    risk: Mapping[str, Any] = risks.get(standard.risk, {})
    if standard.headline:
        named = risk.get("standard", {})
        return risk if (named.get("name"), named.get("version")) == (standard.name, standard.version) else None
    part: Mapping[str, Any] | None = risk.get("parts", {}).get(standard.part)
    return part


def _standing(one: Standing) -> str:
    past = one.rate is not None and not _kept(one)
    if one.in_breach:
        return "breach"
    if past:
        return "past_low_volume"
    return "kept" if one.volume_met else "low_volume"


def _kept(one: Standing) -> bool:
    s, rate = one.standard, one.rate or 0.0
    share = 1 - rate if s.complement else rate
    return share <= s.tolerance if s.limit_keeps else share < s.tolerance


def faults(record: Record) -> FaultView | None:
    """Whose fault the late orders were; None where the source does not tell."""
    block, columns = record.block, (f"late_{by}_fault_{FAULT_DAYS}" for by in ("seller", "carrier", "platform"))
    names = [f"late_{FAULT_DAYS}", *columns, f"service_failure_{FAULT_DAYS}"]
    names.append(f"service_failure_seller_fault_{FAULT_DAYS}")
    if not all(name in block for name in names):
        return None
    return FaultView(FAULT_DAYS, *(int(block[name][0]) for name in names))


def peers(record: Record, standard: Standard, histories: Histories | None) -> PeerView:
    """Who the seller is compared with, how many they are, and how much that weighs."""
    group = record.said["evidence"]["peer_group"]
    name = "" if group["name"] == "market" else group["name"]
    volume = int(standard.counts(record.block)[1][0])
    quartiles = histories.peers.get(standard.name, {}).get(name) if histories else None
    low, middle, high = quartiles or (None, None, None)
    prior = group["prior_orders"]
    return PeerView(name, group["sellers"], prior, prior / (prior + volume), middle, low, high)


def items(record: Record) -> tuple[ItemView, ...]:
    """The items that came back, the most surprising first."""
    found = record.said["risks"].get("returns", {}).get("items", [])[:SHOWN_ITEMS]
    return tuple(
        ItemView(
            item_id=row["item_id"],
            returned=row["returned"],
            delivered=row["delivered"],
            expected=row["expected"],
            chance=row["chance"],
            share=row["share_of_returns"],
            href=orders_href(record.seller_id, "returns", "item", row["item_id"]),
        )
        for row in found
    )
