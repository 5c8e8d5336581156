"""What the endpoints about records take and give: decisions, outcomes and jobs."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from serving.api.schema.score import Model, Result, Risk, SellerId

MOST_OUTCOMES = 1000
MOST_LISTED = 500
MOST_IN_A_JOB = 100_000

RecordId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
RiskName = Literal["returns", "service"]


class ModelRecorded(BaseModel):
    """The registered model that a prediction came from."""

    version: str
    digest: str


class OutcomeGiven(Model):
    """What another system says came true of a seller, once for each outcome_id."""

    outcome_id: RecordId = Field(description="the caller's own; kept for ever, so it must not name a person")
    seller_id: Annotated[SellerId, Field(pattern=r"^[^\x00]+$")]
    risk: RiskName
    observed_on: date = Field(description="the day at whose close it was so")
    in_breach: bool = Field(description="whether the seller was in breach of the risk's standard")
    source: str = Field(pattern=r"^[ -~]{1,100}$", description="the system that says so, in visible ASCII")
    decision_id: RecordId | None = Field(default=None, description="the prediction that it belongs to, if it is known")

    @model_validator(mode="after")
    def _past(self) -> Self:
        if self.observed_on > (datetime.now(UTC) + timedelta(days=1)).date():
            raise PydanticCustomError("future_outcome", "An outcome is of a day that has ended somewhere.")
        return self


class OutcomesRequest(Model):
    """Outcomes to record, all of them or none."""

    outcomes: list[OutcomeGiven] = Field(min_length=1, max_length=MOST_OUTCOMES)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({outcome.outcome_id for outcome in self.outcomes}) < len(self.outcomes):
            raise PydanticCustomError("outcome_twice", "An outcome_id occurs twice in the request.")
        return self


class OutcomesAnswer(BaseModel):
    """The outcomes are durable."""

    recorded: int = Field(description="how many the request held; those that were known already count too")


class Outcome(BaseModel):
    """An outcome as it was recorded; seller_id and in_breach are null once it was erased."""

    outcome_id: str
    recorded_at: str
    seller_id: str | None
    risk: str
    observed_on: str
    in_breach: bool | None
    source: str
    decision_id: str | None


class OutcomesQuery(Model):
    """Which outcomes to list, the oldest first."""

    seller_id: SellerId | None = None
    decision_id: RecordId | None = None
    after: RecordId | None = Field(default=None, description="the last outcome_id of the page before")
    limit: int = Field(default=100, ge=1, le=MOST_LISTED)


class OutcomesListed(BaseModel):
    """One page of outcomes."""

    outcomes: list[Outcome]
    next_after: str | None = Field(description="what to give as `after` for the next page; null: this is the last")


class DecisionAnswer(BaseModel):
    """A prediction as it was answered and recorded."""

    decision_id: str
    logged_at: str
    as_of: str
    horizon_days: int
    model: ModelRecorded
    result: Result
    outcomes: list[Outcome]


class ReplayAnswer(BaseModel):
    """A logged prediction, scored again. Which orders stand behind the reasons is read back, not scored."""

    decision_id: str
    model: ModelRecorded
    identical: bool = Field(description="every number and text is what it was")
    differences: list[str] = Field(description="JSON pointers (RFC 6901) into the result of what is not")
    risks: dict[str, Risk]


class JobRequest(Model):
    """Score many sellers with their reasons into one Parquet file, 28 days ahead unless told otherwise."""

    seller_ids: list[SellerId] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_IN_A_JOB,
        description="null: every active seller of the store; those that it does not know are left out",
    )
    horizon_days: Literal[14, 28, 56] = 28


class JobTaken(BaseModel):
    """The job waits; it will be worked on whatever becomes of this process."""

    job_id: str
    state: Literal["queued"]


class JobBasis(BaseModel):
    """What a job is worked out from."""

    version: str
    digest: str
    as_of: str


class JobAnswer(BaseModel):
    """How far a job is. digest: sha256 of the result."""

    job_id: str
    submitted_at: str
    state: Literal["queued", "running", "done", "failed", "expired"]
    sellers: int | None = Field(description="how many there are to score; null until the work begins")
    scored: int
    basis: JobBasis | None
    problem: str | None = Field(description="why it failed")
    finished_at: str | None
    digest: str | None
