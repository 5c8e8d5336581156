"""A case: one seller, one risk, what the scores say of it, where it stands, and who acts on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from serving.database.clock import written

OPEN = "open"  # in the queue, nobody has it
TAKEN = "taken"  # a reviewer has it, until the lock expires
SNOOZED = "snoozed"  # put off until a day; then in the queue again
DECIDED = "decided"
APPEALED = "appealed"  # the seller objects to the decision, and another reviewer has to answer
LAPSED = "lapsed"  # left the queue undecided, because the week's scores no longer call for it
LIVE = (OPEN, TAKEN, SNOOZED)  # at most one live case for a seller and risk


@dataclass(frozen=True)
class CaseRisk:
    """One risk of the seller, as the logged answer states it."""

    probability: float
    interval_90: tuple[float, float]
    band: str


@dataclass(frozen=True)
class CaseFacts:
    """What the scores of a day say of a case: all that the queue shows. Money is in the currency of the prices."""

    as_of: str
    decision_id: str  # the answer behind the case, in the prediction log
    digest: str  # sha256 of its bytes
    seller_name: str
    natural_person: bool | None
    risks: Mapping[str, CaseRisk]  # both risks, the case's own among them
    current_rate: float | None
    expected_rate: float | None
    limit: float
    reason: str  # the strongest reason that raises the risk, in words
    family: str  # feature family of that reason
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
    facts: CaseFacts
    assignee: str = ""
    locked_until: str = ""
    snoozed_until: str = ""
    first_look: str = ""  # act or wait, given before the page shows what the arm withholds

    def state_at(self, at: datetime) -> str:
        """The state at a moment; a case whose lock or snooze has expired is open again."""
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
class CaseEvent:
    """One change of a case: the version after it, who made it, and the fields before and after."""

    case_id: str
    version: int
    at: str
    person: str
    role: str
    action: str
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    detail: Mapping[str, object] = field(default_factory=dict)


REVIEWER, MANAGER, SELLER, SYSTEM = "reviewer", "manager", "seller", "system"
STAFF = (REVIEWER, MANAGER)
ROLES = (REVIEWER, MANAGER, SELLER)  # of people with a login


@dataclass(frozen=True)
class Person:
    """A named person; seller_id: the one seller that the role seller speaks for."""

    name: str
    role: str
    seller_id: str = ""


FORESELL = Person("foresell", SYSTEM)  # acts in the weekly opening and in recomputations
