"""The figures behind a score, from the row that was scored: arithmetic, standards, faults, peers, items."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.days import days_after
from features.standards.standard import Standard
from models.arithmetic import beta_binomial
from models.arithmetic.roll_forward import project
from serving.casework.snapshots.logged_answers import LoggedAnswer
from serving.casework.snapshots.standings import UNITS, SellerStanding, standings
from serving.review.histories import Histories
from serving.review.pages.charts import stack
from serving.review.seller.answer import orders_href
from serving.review.seller.views import ArithmeticView, FaultView, ItemView, PeerView, StandardView
from serving.scoring.results import RiskResult

STACK_WIDTH = 860
FAULT_DAYS = 60
SHOWN_ITEMS = 6


def arithmetic(answer: LoggedAnswer, standard: Standard, risk_result: RiskResult) -> ArithmeticView:
    """Which orders leave the window, stay, and come, and how many failures the standard still allows."""
    ahead = project(standard, answer.block, answer.horizon_days)
    now, stay = (int(ahead.now_x[0]), int(ahead.now_n[0])), (int(ahead.stay_x[0]), int(ahead.stay_n[0]))
    coming = int(ahead.coming[0])
    expected = float(beta_binomial.mean(ahead.coming, ahead.a, ahead.b)[0])
    leave = (now[1] - stay[1], now[0] - stay[0])
    low, high = risk_result["expected_rate_interval_90"] or (None, None)
    return ArithmeticView(
        unit=unit_of(standard),
        window_days=standard.window_days,
        until=days_after(answer.as_of, answer.horizon_days),
        bad=now[0],
        volume=now[1],
        leaving_bad=leave[1],
        leaving_volume=leave[0],
        staying_bad=stay[0],
        staying_volume=stay[1],
        coming=coming,
        room=int(ahead.room[0]),
        expected_events=expected,
        expected_rate=risk_result["expected_rate"],
        expected_low=low,
        expected_high=high,
        stack=stack(STACK_WIDTH, leave, (stay[1], stay[0]), (coming, expected)),
    )


def unit_of(standard: Standard) -> str:
    """What a standard's volume counts, in words."""
    return " and ".join(UNITS.get(q, q.replace("_", " ")) for q in standard.denominator)


def standard_views(answer: LoggedAnswer, standards: Sequence[Standard]) -> tuple[StandardView, ...]:
    """Every standard that the row can tell, the headlines first."""
    able = standings(standards, answer.block, answer.as_of, answer.horizon_days)
    ranked = sorted(able, key=lambda s: (not s.standard.headline, s.standard.risk))
    return tuple(_standard_view(one, answer.result["risks"]) for one in ranked)


def _standard_view(one: SellerStanding, risks: Mapping[str, RiskResult]) -> StandardView:
    s, answer = one.standard, _answered(one.standard, risks)
    expected, interval = one.expected_rate, one.expected_interval_90
    if s.headline and answer:  # what the API answers, whose interval the training widened or narrowed
        expected, interval = answer["expected_rate"], answer["expected_rate_interval_90"]
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
        probability=answer["probability"] if answer else None,
        standing=_standing(one),
        scale=max(drawn) * 1.1 or 1.0,
    )


def _answered(standard: Standard, risks: Mapping[str, RiskResult]) -> Mapping[str, Any] | None:
    """The answer's entry for a standard: a headline's risk, or a part."""
    risk: Mapping[str, Any] = risks.get(standard.risk, {})
    if standard.headline:
        named = risk.get("standard", {})
        return risk if (named.get("name"), named.get("version")) == (standard.name, standard.version) else None
    part: Mapping[str, Any] | None = risk.get("parts", {}).get(standard.part)
    return part


def _standing(one: SellerStanding) -> str:
    past = one.rate is not None and not _kept(one)
    if one.in_breach:
        return "breach"
    if past:
        return "past_low_volume"
    return "kept" if one.volume_met else "low_volume"


def _kept(one: SellerStanding) -> bool:
    s, rate = one.standard, one.rate or 0.0
    share = 1 - rate if s.complement else rate
    return share <= s.tolerance if s.limit_keeps else share < s.tolerance


def faults(answer: LoggedAnswer) -> FaultView | None:
    """Late orders by fault; None where the source does not record it."""
    block, columns = answer.block, (f"late_{by}_fault_{FAULT_DAYS}" for by in ("seller", "carrier", "platform"))
    names = [f"late_{FAULT_DAYS}", *columns, f"service_failure_{FAULT_DAYS}"]
    names.append(f"service_failure_seller_fault_{FAULT_DAYS}")
    if not all(name in block for name in names):
        return None
    return FaultView(FAULT_DAYS, *(int(block[name][0]) for name in names))


def peers(answer: LoggedAnswer, standard: Standard, histories: Histories | None) -> PeerView:
    """Who the seller is compared with, how many they are, and how much that weighs."""
    group = answer.result["evidence"]["peer_group"]
    name = "" if group["name"] == "market" else group["name"]
    volume = int(standard.counts(answer.block)[1][0])
    quartiles = histories.peers.get(standard.name, {}).get(name) if histories else None
    low, middle, high = quartiles or (None, None, None)
    prior = group["prior_orders"]
    return PeerView(name, group["sellers"], prior, prior / (prior + volume), middle, low, high)


def items(answer: LoggedAnswer) -> tuple[ItemView, ...]:
    """The items that came back, the most surprising first."""
    returns = answer.result["risks"].get("returns")
    found = returns.get("items", [])[:SHOWN_ITEMS] if returns else []
    return tuple(
        ItemView(
            item_id=row["item_id"],
            returned=row["returned"],
            delivered=row["delivered"],
            expected=row["expected"],
            chance=row["chance"],
            share=row["share_of_returns"],
            href=orders_href(answer.seller_id, "returns", "item", row["item_id"]),
        )
        for row in found
    )
