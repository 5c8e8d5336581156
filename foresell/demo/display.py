"""The output of the demo: the riskiest sellers, one of them explained, its true cause where known, and links."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from foresell.console import table
from foresell.demo.episodes import KnownEpisode, alert_summary, cause_sentences

HORIZON, REASONS = 28, 4


@dataclass(frozen=True)
class SellerRisk:
    """A seller's result with one of its risks."""

    result: Mapping[str, Any]
    risk: str

    @property
    def body(self) -> Mapping[str, Any]:
        """The API's answer for that risk."""
        found: Mapping[str, Any] = self.result["risks"][self.risk]
        return found

    @property
    def probability(self) -> float:
        """The probability of a breach one horizon ahead."""
        return float(self.body["probability"])


def riskiest_table(answer: Mapping[str, Any], riskiest: Sequence[SellerRisk]) -> list[RenderableType]:
    """The riskiest sellers, one per line."""
    heads = {"seller": "left", "risk": "left", "now": "right", "orders": "right", "limit": "right"}
    heads |= {f"in {HORIZON} days": "right", "90%": "right", "band": "left"}
    title = f"Riskiest sellers not in breach today ({answer['as_of']}, model {answer['model']['version']})"
    return ["", table(heads, [_row(at) for at in riskiest], title)]


def _row(at: SellerRisk) -> tuple[str, ...]:
    now, (low, high) = at.body["standard"], at.body["interval_90"]
    return (
        at.result["seller_id"],
        at.risk,
        f"{now['current_rate']:.1%}",
        f"{now['volume']:,}",
        f"{now['limit']:.0%}",
        percent(at.probability),
        f"{percent(low).rstrip('%')} to {percent(high)}",
        at.body["band"],
    )


def percent(probability: float) -> str:
    """A probability in whole percent; never certain."""
    return "<1%" if probability < 0.005 else ">99%" if probability > 0.995 else f"{probability:.0%}"


def explanation_table(as_of: str, at: SellerRisk) -> list[RenderableType]:
    """One score explained; the numbers on the left add up to the log-odds of the probability."""
    why, then = at.body["explanation"], date.fromisoformat(as_of) + timedelta(days=HORIZON)
    parts = [
        (why["base"], "base", "the same for every seller"),
        (why["arithmetic"], "arithmetic", _arithmetic(at.body)),
        *_reasons(why["reasons"]),
    ]
    total = sum(number for number, _, _ in parts)
    parts.append((total, "", f"a probability of {percent(at.probability)}"))
    rows = [(f"{number:+.2f}", family, text) for number, family, text in parts]
    said = (
        f"\n{at.result['seller_id']} is not in breach today. On {then} its {at.body['standard']['name']} will be, with "
        f"a probability of {percent(at.probability)}. Why, in log-odds that add up:"
    )
    return [Text(said), "", table({"": "right", " ": "left", "  ": "left"}, rows), *_evidence(why["reasons"])]


def _reasons(reasons: Sequence[Mapping[str, Any]]) -> list[tuple[float, str, str]]:
    """The strongest reasons, and the rest as one."""
    rest = sum(reason["contribution"] for reason in reasons[REASONS:])
    first = [(reason["contribution"], reason["code"], reason["text"]) for reason in reasons[:REASONS]]
    number = len(reasons) - REASONS
    return [*first, (rest, "", f"{number} smaller reason{'s' * (number > 1)}")] if number > 0 else first


def _arithmetic(risk: Mapping[str, Any]) -> str:
    now, (low, high) = risk["standard"], risk["expected_rate_interval_90"]
    return (
        f"which orders leave the window and how many come: {now['current_rate']:.1%} now, "
        f"{risk['expected_rate']:.1%} to expect ({low:.1%} to {high:.1%})"
    )


def _evidence(reasons: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    first = next((reason for reason in reasons if reason["evidence"]["order_ids"]), None)
    if first is None:
        return []
    ids = ", ".join(first["evidence"]["order_ids"][:3])
    return [Text(f'\nOrders behind "{first["text"]}": {ids} and others, {first["evidence"]["count"]} in all.')]


def other_risks(at: SellerRisk) -> list[RenderableType]:
    """The seller's other risks, the parts of service, and the item with the most unusual returns."""
    risks = at.result["risks"]
    others = [f"{name} {percent(body['probability'])}" for name, body in risks.items() if name != at.risk]
    parts = {name: part["probability"] for body in risks.values() for name, part in body.get("parts", {}).items()}
    ranked = [f"{name} {percent(parts[name])}" for name in sorted(parts, key=lambda name: -parts[name])]
    lines = [f"The other risk: {', '.join(others)}."] if others else []
    lines += [f"The parts of service: {', '.join(ranked)}."] if ranked else []
    return [Text(f"\n{' '.join([*lines, *_item(at.body)])}")] if lines else []


def _item(risk: Mapping[str, Any]) -> list[str]:
    """The item whose return rate is furthest above chance."""
    return [
        f"Item {item['item_id']}: {item['returned']} of {item['delivered']} lines were returned in 60 days; for "
        f"the seller's other items {item['usual_rate']:.0%}."
        for item in (risk.get("items") or [])[:1]
    ]


def true_causes(
    as_of: str, at: SellerRisk, episodes: Sequence[KnownEpisode] | None, report: Mapping[str, Any] | None
) -> list[Text]:
    """On simulated data: whether the reasons name the true cause, for this seller and in general."""
    if episodes is None:
        return []
    lines = cause_sentences(episodes, at.risk, as_of, at.body["explanation"]["reasons"])
    return [Text(f"\n{line}") for line in [*lines, *alert_summary(report)]]


def links_table(places: Mapping[str, str]) -> list[RenderableType]:
    """The table of addresses and commands."""
    return ["", table({"open or run": "left", " ": "left"}, list(places.items()))]
