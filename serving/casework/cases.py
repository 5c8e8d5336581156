"""A case: one seller, one risk, what the scores say of it, and where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from serving.records.clock import written

OPEN, TAKEN, SNOOZED = "open", "taken", "snoozed"
DECIDED, APPEALED, LAPSED = "decided", "appealed", "lapsed"
STATES: Mapping[str, str] = {
    OPEN: "in the queue, nobody has it",
    TAKEN: "a reviewer has it, until the lock expires",
    SNOOZED: "put off until a day; then in the queue again",
    DECIDED: "a reviewer has decided",
    APPEALED: "the seller objects to the decision, and another reviewer has to decide that",
    LAPSED: "left the queue unread: the week's scores no longer call for it",
}
LIVE = (OPEN, TAKEN, SNOOZED)  # at most one live case for a seller and risk


@dataclass(frozen=True)
class RiskShown:
    """One risk of the seller, as the record says it."""

    probability: float
    interval_90: tuple[float, float]
    band: str


@dataclass(frozen=True)
class Facts:
    """What the scores of a day say: everything a queue shows of a case. Money is in the currency of the prices."""

    as_of: str
    decision_id: str  # the answer behind the case, in the prediction log
    digest: str  # sha256 of its bytes
    seller_name: str
    natural_person: bool | None
    risks: Mapping[str, RiskShown]  # both risks, the case's own among them
    current_rate: float | None
    expected_rate: float | None
    limit: float
    reason: str  # the strongest reason that raises the risk, in words
    family: str  # its family: where to look
    breach_by: str  # ISO day: the nearest horizon at which a breach is likelier than not; "" if at none
    change: float | None  # of the probability, since the scores a week before; None where there were none
    orders_in_window: int
    low_evidence: bool
    at_stake: float
    loss_avoided: float
    category: str = ""
    region: str = ""
    size: str = ""
    fulfilment: str = ""
    tenure_days: int = 0


@dataclass(frozen=True)
class Case:
    """A case as it is kept. assignee, locked_until, snoozed_until: "" where there is none."""

    case_id: str
    seller_id: str
    risk: str
    state: str
    version: int
    opened_at: str
    arm: str
    facts: Facts
    assignee: str = ""
    locked_until: str = ""
    snoozed_until: str = ""
    first_look: str = ""  # in an arm that withholds something: what the reviewer would do without it

    def state_at(self, at: datetime) -> str:
        """The state, with locks and snoozes that have expired taken for what they are."""
        moment = written(at)
        expired = (self.state == TAKEN and self.locked_until <= moment) or (
            self.state == SNOOZED and self.snoozed_until <= moment
        )
        return OPEN if expired else self.state

    def held_by(self, at: datetime) -> str:
        """Who has it at a moment; "" for nobody."""
        return self.assignee if self.state_at(at) == TAKEN else ""

    def age_days(self, at: datetime) -> int:
        """Whole days since it was opened."""
        return (at - datetime.fromisoformat(self.opened_at)).days


@dataclass(frozen=True)
class Event:
    """One change of a case: its version after it, who made it, and what was known then."""

    case_id: str
    version: int
    at: str
    person: str
    role: str
    action: str
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    detail: Mapping[str, object] = field(default_factory=dict)
