"""What the endpoints about the model take and give: an explanation in full, the standards, and the model itself."""

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from serving.api.schema.score import History, Model, ModelUsed, Result, Row, SellerId


class ExplainRequest(Model):
    """A seller that the store knows, or the history of one that it does not."""

    seller_id: SellerId | None = None
    history: History | None = None
    seller: Row | None = Field(default=None, description="the seller's row of the data contract; only with a history")
    horizon_days: Literal[14, 28, 56] = 28

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.seller_id is None) == (self.history is None):
            raise PydanticCustomError("one_form", "Give either a seller_id or a history.")
        if self.seller is not None and self.history is None:
            raise PydanticCustomError("one_form", "A seller is described only beside a history.")
        return self


class Contribution(BaseModel):
    """What one feature adds to the log-odds."""

    feature: str
    title: str
    family: str = Field(description="`arithmetic` for what the roll-forward works out")
    value: float | None = Field(description="of the feature; null where it is not known")
    contribution: float
    text: str | None = Field(description="in words with counts; null for arithmetic")


class Counted(BaseModel):
    """Bad events of so many."""

    bad: int
    volume: int
    rate: float | None = Field(description="as people state it; null without volume")


class WindowArithmetic(BaseModel):
    """The roll-forward: which orders leave the standard's window by as_of + horizon_days, and how many will come."""

    window_days: int
    now: Counted
    leaves: Counted
    stays: Counted
    coming_volume: int = Field(description="to be expected by then: as much as came in the last horizon")
    most_bad_to_come: int = Field(description="most of them that may be bad without a breach; negative: none may")
    shrunk_rate: float = Field(description="the seller's share of bad events, drawn to the market's by 20 orders")
    volume_met: float = Field(description="probability that the minimum volume is met then")
    probability: float = Field(description="of a breach, by this arithmetic alone")


class Peers(BaseModel):
    """The same rate among the sellers that this one is compared with, and in the whole market."""

    name: str
    sellers: int
    rate: float | None
    market_rate: float | None


class Action(BaseModel):
    """What the seller can do about some of the orders to come."""

    code: Literal[
        "not_returned",
        "shipped_on_time",
        "on_time",
        "not_cancelled",
        "as_described",
        "received",
        "resolved",
        "not_rated_low",
    ]
    orders: int


class CounterfactualShown(BaseModel):
    """The risk as it would be scored on a day one horizon ahead, as things go and with some more orders going well.

    The ledger is carried there at the pace of the last `horizon_days`; the same features and model score both copies.
    """

    day: str = Field(description="the day from which both would be scored: as_of + horizon_days")
    orders: int = Field(description="expected by then: as many as came in the last horizon_days")
    failing: int = Field(description="of those, expected to count against the standard and the seller's to change")
    successes: int | None = Field(
        description="the fewest of them that bring the risk under `below` by going well; 0: it comes there by itself; "
        "null: not even all of them would"
    )
    actions: list[Action] = Field(description="what goes well; where `successes` is null, all that could")
    below: float = Field(description="the probability at which the band of today begins")
    as_things_go: float = Field(description="probability on that day without them")
    probability: float = Field(description="probability on that day with them")
    text: str
    text_to_seller: str


class RiskExplained(BaseModel):
    """base + offset + the contributions = log_odds, whose sigmoid is the probability."""

    log_odds: float
    base: float
    offset: float = Field(description="the roll-forward's log-odds, calibrated")
    contributions: list[Contribution] = Field(description="every feature that adds anything, the strongest first")
    window: WindowArithmetic
    peers: Peers
    counterfactual: CounterfactualShown | None = Field(
        description="what would change it; null in the band clear, and where nothing is the seller's to change"
    )


class ExplainAnswer(BaseModel):
    """The score as it is logged, and all that is behind it."""

    as_of: str
    model: ModelUsed
    result: Result
    risks: dict[str, RiskExplained]


class StandardShown(BaseModel):
    """A standard that the model speaks of."""

    name: str
    version: str
    title: str
    risk: str
    part: str
    headline: bool
    numerator: list[str] = Field(description="ledger quantities, summed")
    denominator: list[str]
    complement: bool = Field(description="the rate is 1 - numerator / denominator")
    window_days: int
    limit: float
    comparator: Literal["<=", "<", ">=", ">"] = Field(description="what is good")
    minimum_volume: int
    minimum_events: int
    warn_limit: float | None
    source: str
    horizons: list[int] = Field(description="days ahead for which there is a model")


class StandardsAnswer(BaseModel):
    """The standards of the model that serves."""

    model: ModelUsed
    standards: list[StandardShown]


class BandsShown(BaseModel):
    """The probabilities from which a score is in a band."""

    watch: float
    review: float


class ModelOfBundle(BaseModel):
    """One risk (or part of one) and horizon."""

    risk: str
    part: str
    horizon_days: int
    standard: str
    features: int
    calibration: dict[str, float]
    bands: BandsShown


class StoreShown(BaseModel):
    """The rows that are scored."""

    as_of: str
    sellers: int


class Differences(BaseModel):
    """Of one risk, the challenger's probabilities against those answered to the newest requests."""

    compared: int
    mean_difference: float
    p95_difference: float
    largest_difference: float
    mean_shift: float = Field(description="challenger's minus champion's")
    other_band_share: float


class ChallengerShown(BaseModel):
    """The challenger, and what it would have said."""

    version: str
    digest: str
    risks: dict[str, Differences]


class ModelAnswer(ModelUsed):
    """The model that serves, and how fresh it is."""

    data_digest: str
    created_from: dict[str, str | int | float | bool | None]
    card: str | None = Field(description="the model card as Markdown; null where the bundle has none")
    models: list[ModelOfBundle]
    store: StoreShown
    age_days: int = Field(description="days since the last label that the calibration saw")
    stale: bool = Field(description="the registry has not been reached for longer than it may be; scores go on")
    registry_asked_at: str = Field(description="when it was last known what the registry's champion is, UTC")
    challenger: ChallengerShown | None = Field(description="the model that is scored in the shadow, if there is one")
