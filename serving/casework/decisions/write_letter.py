"""The letter of a decision, written from the logged answer behind its case; no other figures enter it."""

from collections.abc import Sequence
from datetime import date, timedelta

from features.ingest.contract import RESTRICTING
from serving.casework.cases.case import Case
from serving.casework.decisions import letters, regimes
from serving.casework.decisions.decision import Decision, DecisionForm, DecisionSettings
from serving.casework.decisions.letters import Letter
from serving.casework.snapshots.logged_answers import LoggedAnswer
from serving.casework.snapshots.standings import standing


def write_letter(
    decision: Decision, case: Case, answer: LoggedAnswer, form: DecisionForm, settings: DecisionSettings
) -> Letter:
    """The letter to the seller."""
    risk_result = answer.result["risks"][case.risk]
    standard = settings.standard(decision.standard, decision.standard_version)
    standing_now = standing(standard, answer.block, answer.as_of, answer.horizon_days)
    restricting = decision.kind in RESTRICTING
    expected = risk_result["expected_rate_interval_90"]
    raising = dict.fromkeys(r["text"] for r in risk_result["explanation"]["reasons"] if r["direction"] == "raises")
    return Letter(
        case_decision_id=decision.case_decision_id,
        seller_id=decision.seller_id,
        seller_name=case.facts.seller_name,
        natural_person=case.facts.natural_person,
        risk=decision.risk,
        kind=decision.kind,
        decided_by=decision.decided_by,
        decided_at=decision.decided_at,
        effective_at=decision.effective_at,
        ends_at=decision.ends_at,
        scope="all" if restricting else "",
        duration=("until" if decision.ends_at else "open") if restricting else "",
        origin="own",
        facts=decision.facts or letters.figures_speak(),
        appeal=decision.appeal,
        standard=decision.standard,
        standard_version=decision.standard_version,
        standard_title=standard.title,
        comparator=standard.comparator,
        limit=risk_result["standard"]["limit"],
        window_days=standard.window_days,
        window_from=standing_now.window_from,
        minimum_volume=risk_result["standard"]["minimum_volume"],
        unit=standing_now.unit,
        bad=standing_now.bad,
        volume=risk_result["standard"]["volume"],
        current_rate=risk_result["standard"]["current_rate"],
        in_breach=risk_result["in_breach"],
        low_evidence=answer.result["evidence"]["low_evidence"],
        as_of=answer.as_of,
        horizon_day=(date.fromisoformat(answer.as_of) + timedelta(days=answer.horizon_days)).isoformat(),
        probability=risk_result["probability"],
        interval_90=_pair(risk_result["interval_90"]),
        expected_rate=risk_result["expected_rate"],
        expected_rate_interval_90=_pair(expected) if expected else None,
        reasons=tuple(raising)[: letters.SHOWN_REASONS],  # two families may say the same sentence
        coming=standing_now.coming,
        room=standing_now.room,
        decision_id=answer.decision_id,
        digest=answer.digest,
        model_version=answer.model_version,
        regimes=tuple(pack.name for pack in packs_of(case, form, settings)),
    )


def packs_of(case: Case, form: DecisionForm, settings: DecisionSettings) -> tuple[regimes.Regime, ...]:
    """The laws that apply to a choice about the case's seller."""
    return regimes.applying(form.kind, case.facts.natural_person, settings.regimes)


def _pair(interval: Sequence[float]) -> tuple[float, float]:
    low, high = interval
    return low, high
