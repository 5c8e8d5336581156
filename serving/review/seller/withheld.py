"""What a seller's cases withhold until a first look. It never enters the page, so no template can tell it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from serving.casework import book
from serving.review.seller.views import ScoreView, StandardView


@dataclass(frozen=True)
class Withheld:
    """What a page about one risk of a seller leaves out."""

    what: str  # what the case of the risk explained withholds: score, reasons or nothing
    scored: frozenset[str]  # risks whose score is withheld

    @property
    def score(self) -> bool:
        """Whether the score of the risk explained is withheld."""
        return self.what == "score"

    @property
    def reasons(self) -> bool:
        """Whether its reasons are."""
        return self.what == "reasons"

    def standards(self, views: Sequence[StandardView]) -> tuple[StandardView, ...]:
        """The standards, without what to expect of those whose score is withheld."""
        return tuple(_today(view) if view.risk in self.scored else view for view in views)

    def scores(self, views: Sequence[ScoreView]) -> tuple[ScoreView, ...]:
        """The scores of the last weeks that may be told: an older one says nearly what today's does."""
        return tuple(view for view in views if view.risk not in self.scored)


def withheld(con: sa.Connection, seller_id: str, risk: str, risks: Collection[str]) -> Withheld:
    """What the page that explains a risk leaves out; where it may not tell that risk's score, it tells no other."""
    hidden = {of: what for (_, of), what in book.withheld(con, [seller_id]).items()}
    scored = {of for of, what in hidden.items() if what == "score"}
    return Withheld(hidden.get(risk, ""), frozenset(risks if risk in scored else scored))


def _today(view: StandardView) -> StandardView:
    scale = max(view.rate or 0.0, view.limit) * 1.1 or 1.0
    return replace(view, expected=None, low=None, high=None, probability=None, scale=scale)
