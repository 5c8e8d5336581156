"""What a correction changed, figure by figure, before and after."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from serving.review import forms, texts
from serving.review.page import shown


@dataclass(frozen=True)
class BeforeAfter:
    """One figure before and after the correction."""

    title: str = shown("what it is")
    before: str = shown("as it was")
    after: str = shown("as it is")
    counts: str = shown("the counts behind it, in words; empty for none")
    moved: bool = shown("whether it changed")


def figures_of(change: Any, hidden: Collection[str]) -> tuple[BeforeAfter, ...]:
    if not change:
        return ()
    rates = [
        BeforeAfter(
            s["title"],
            forms.rate(s["rate"]["before"]),
            forms.rate(s["rate"]["after"]),
            texts.plain(
                "appeal.counts", bad=s["bad"][0], volume=s["volume"][0], bad_after=s["bad"][1],
                volume_after=s["volume"][1],
            ),
            s["bad"][0] != s["bad"][1] or s["volume"][0] != s["volume"][1],
        )
        for s in change["standards"]
    ]  # fmt: skip
    risks: list[BeforeAfter] = []
    for name, one in change["risks"].items():
        if name in hidden:
            continue
        chance, loss = one["probability"], one["loss"]
        bands = texts.plain("appeal.bands", before=one["band"][0], after=one["band"][1])
        title = texts.plain("appeal.probability", risk=texts.plain(f"risk.{name}"))
        risks.append(_moved(title, forms.percent(chance["before"], 1), forms.percent(chance["after"], 1), bands))
        title = texts.plain("appeal.loss", risk=texts.plain(f"risk.{name}"))
        risks.append(_moved(title, forms.money(loss["before"]), forms.money(loss["after"]), ""))
    return (*[r for r in rates if r.moved], *risks)


def _moved(title: str, before: str, after: str, counts: str) -> BeforeAfter:
    return BeforeAfter(title, before, after, counts, before != after)


def features_of(change: Any) -> tuple[BeforeAfter, ...]:
    pairs: Sequence[tuple[str, Any]] = list((change or {}).get("features", {}).items())
    return tuple(BeforeAfter(name, _number(v["before"]), _number(v["after"]), "", True) for name, v in pairs)


def _number(value: float | None) -> str:
    return "\u2013" if value is None else f"{value:,.6g}"
