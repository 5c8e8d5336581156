"""What the scoring API takes and gives. The request is checked against it; the answer is described by it."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

MOST_SELLERS = 1000
MOST_ROWS = 20_000

SellerId = Annotated[str, Field(min_length=1, max_length=200)]
Value = str | float | int | bool | None
Row = dict[str, Value]
Rows = Annotated[list[Row], Field(max_length=MOST_ROWS)]
Interval = tuple[float, float]


class Model(BaseModel):
    """Nothing is converted, nothing unknown is ignored."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class History(Model):
    """Rows of the data contract for one seller; a table that is left out is unknown, an empty one is known to be so."""

    orders: Rows = Field(description="order lines")
    returns: Rows | None = None
    cases: Rows | None = None
    feedback: Rows | None = None

    def tables(self) -> dict[str, list[Row]]:
        """The tables that are given, by name."""
        named = {"orders": self.orders, "returns": self.returns, "cases": self.cases, "feedback": self.feedback}
        return {name: rows for name, rows in named.items() if rows is not None}

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.orders:
            raise PydanticCustomError("empty_history", "An empty history cannot be scored; give its orders.")
        return self


class ScoreRequest(Model):
    """Either sellers that the store knows, or the history of one that it does not."""

    seller_ids: list[SellerId] | None = Field(default=None, min_length=1, max_length=MOST_SELLERS)
    history: History | None = None
    seller: Row | None = Field(default=None, description="the seller's row of the data contract; only with a history")
    horizon_days: Literal[14, 28, 56] = 28
    explain: bool = True

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.seller_ids is None) == (self.history is None):
            raise PydanticCustomError("one_form", "Give either seller_ids or a history.")
        if self.seller is not None and self.history is None:
            raise PydanticCustomError("one_form", "A seller is described only beside a history.")
        return self


class ModelUsed(BaseModel):
    """The registered model behind the scores."""

    name: str
    version: str
    digest: str
    calibrated_to: str = Field(description="date of the last label that the calibration saw")


class PeerGroup(BaseModel):
    """Who the seller is compared with, and how much that weighs."""

    name: str
    sellers: int
    prior_orders: float = Field(description="the peer group's rate counts as so many orders")


class Evidence(BaseModel):
    """How much is known of the seller."""

    orders_in_window: int = Field(description="orders in the last 60 days")
    low_evidence: bool = Field(description="too few orders to say much of some risk; not a low risk")
    incomplete: bool = Field(description="too many of the seller's rows were lost on the way in; see the intake report")
    peer_group: PeerGroup


class StandardUsed(BaseModel):
    """The seller under the standard at as_of."""

    name: str
    version: str
    limit: float
    current_rate: float | None
    volume: int
    minimum_volume: int


class ReasonEvidence(BaseModel):
    """The orders behind a reason: how many, and the newest of them."""

    order_ids: list[str]
    count: int


class Reason(BaseModel):
    """What one family of features adds to the log-odds."""

    code: str
    contribution: float
    direction: Literal["raises", "lowers"]
    text: str
    evidence: ReasonEvidence


class Explanation(BaseModel):
    """base + arithmetic + the contributions = the log-odds of the probability."""

    base: float
    arithmetic: float
    reasons: list[Reason]


class Part(BaseModel):
    """One part of a risk."""

    probability: float


class Item(BaseModel):
    """An item that came back in the last 60 days, counted in order lines."""

    item_id: str
    delivered: int
    returned: int
    return_rate: float | None
    share_of_returns: float = Field(description="of all the seller's returns in that time")
    usual_rate: float = Field(description="return rate of the seller's other items, held to the market's by 20 lines")
    expected: float = Field(description="returns of this item at that rate")
    chance: float = Field(description="probability of as many returns or more at that rate")
    order_ids: list[str] = Field(description="the newest of the orders that came back")


class Risk(BaseModel):
    """One risk, one horizon ahead."""

    probability: float
    interval_90: Interval
    band: Literal["clear", "watch", "review"]
    in_breach: bool
    standard: StandardUsed
    expected_rate: float | None
    expected_rate_interval_90: Interval | None
    explanation: Explanation | None = None
    parts: dict[str, Part] | None = None
    items: list[Item] | None = Field(
        default=None, description="for returns: which items came back, those first that did so least by chance"
    )


class ProblemShown(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str | None = None


class InvalidPlace(BaseModel):
    """One broken rule of a request."""

    pointer: str = Field(description="RFC 6901")
    detail: str


class InvalidShown(ProblemShown):
    """A problem that says which rules of the request are broken, and where."""

    errors: list[InvalidPlace] | None = None


class Result(BaseModel):
    """A score, or the problem that stands in its place."""

    seller_id: str
    decision_id: str | None = None
    evidence: Evidence | None = None
    risks: dict[str, Risk] | None = None
    problem: ProblemShown | None = None


class ScoreAnswer(BaseModel):
    """One result for each seller, in the order asked."""

    as_of: str
    model: ModelUsed
    results: list[Result]
