"""What laws ask of the letter that tells a seller of a decision: packs of data under regimes/, each with its source."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from features.ingest.contract import RESTRICTING
from serving.casework.cases.rules import IncompleteError

FOLDER = Path(__file__).parent / "regimes"


@dataclass(frozen=True)
class Requirement:
    """One thing that an article asks for: the letter's paragraph that gives it, and the fields it is made of."""

    article: str
    what: str
    paragraph: str
    needs: tuple[str, ...]


@dataclass(frozen=True)
class Regime:
    """One article of one law. decisions: restrictions or all; sellers: everyone or natural_persons."""

    name: str
    title: str
    source: str
    applies_from: str
    checked: str
    decisions: str
    sellers: str
    requires: tuple[Requirement, ...]

    def applies(self, kind: str, natural_person: bool | None) -> bool:
        """Whether it applies to a kind of decision; a seller of unknown legal form may be a natural person."""
        concerned = self.sellers == "everyone" or natural_person is not False
        return concerned and (self.decisions == "all" or kind in RESTRICTING)


@cache
def regimes() -> tuple[Regime, ...]:
    """All packs, by name."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.toml")))


def applying(kind: str, natural_person: bool | None, names: Iterable[str] | None = None) -> tuple[Regime, ...]:
    """The regimes that apply to a decision; names: those that the marketplace is under, None for all."""
    wanted = None if names is None else set(names)
    return tuple(r for r in regimes() if r.applies(kind, natural_person) and (wanted is None or r.name in wanted))


def paragraphs(packs: Iterable[Regime]) -> frozenset[str]:
    """The paragraphs that the packs ask for."""
    return frozenset(r.paragraph for pack in packs for r in pack.requires)


def check(packs: Iterable[Regime], letter: Any) -> None:
    """Refuse a letter that lacks something a regime requires; the error names the article."""
    for pack in packs:
        for required in pack.requires:
            for name in required.needs:
                if not getattr(letter, name):
                    rule = f"{pack.title.split(',')[0]}, Article {required.article}, asks for {required.what}."
                    raise IncompleteError(name, rule, f"no {name.replace('_', ' ')}", "fill it in")


def _read(path: Path) -> Regime:
    pack = tomllib.loads(path.read_text(encoding="utf-8"))
    requires = tuple(Requirement(**one | {"needs": tuple(one["needs"])}) for one in pack.pop("requires"))
    return Regime(**pack, requires=requires)
