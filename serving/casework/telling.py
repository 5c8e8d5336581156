"""The letter of a decision, written from the record behind its case and nothing else that was measured."""

from datetime import date, timedelta

from features.contract import RESTRICTING
from serving.casework import letters, regimes
from serving.casework.cases import Case
from serving.casework.decision import Choice, Decision, Setup
from serving.casework.letter import Letter
from serving.casework.records import Record
from serving.casework.standings import standing


def write_letter(made: Decision, case: Case, record: Record, choice: Choice, setup: Setup) -> Letter:
    """The letter to the seller."""
    said = record.said["risks"][case.risk]
    held = setup.standard(made.standard, made.standard_version)
    now = standing(held, record.block, record.as_of, record.horizon_days)
    restricting = made.kind in RESTRICTING
    raising = dict.fromkeys(r["text"] for r in said["explanation"]["reasons"] if r["direction"] == "raises")
    expected = said["expected_rate_interval_90"]
    return Letter(
        case_decision_id=made.case_decision_id,
        seller_id=made.seller_id,
        seller_name=case.facts.seller_name,
        natural_person=case.facts.natural_person,
        risk=made.risk,
        kind=made.kind,
        decided_by=made.decided_by,
        decided_at=made.decided_at,
        effective_at=made.effective_at,
        ends_at=made.ends_at,
        scope="all" if restricting else "",
        duration=("until" if made.ends_at else "open") if restricting else "",
        origin="own",
        facts=made.facts or letters.figures_speak(),
        appeal=made.appeal,
        standard=made.standard,
        standard_version=made.standard_version,
        standard_title=held.title,
        comparator=held.comparator,
        limit=said["standard"]["limit"],
        window_days=held.window_days,
        window_from=now.window_from,
        minimum_volume=said["standard"]["minimum_volume"],
        unit=now.unit,
        bad=now.bad,
        volume=said["standard"]["volume"],
        current_rate=said["standard"]["current_rate"],
        in_breach=said["in_breach"],
        low_evidence=record.said["evidence"]["low_evidence"],
        as_of=record.as_of,
        horizon_day=(date.fromisoformat(record.as_of) + timedelta(days=record.horizon_days)).isoformat(),
        probability=said["probability"],
        interval_90=tuple(said["interval_90"]),
        expected_rate=said["expected_rate"],
        expected_rate_interval_90=tuple(expected) if expected else None,
        reasons=tuple(raising)[: letters.SHOWN_REASONS],  # two families may say the same sentence
        coming=now.coming,
        room=now.room,
        decision_id=record.decision_id,
        digest=record.digest,
        model_version=record.model_version,
        regimes=tuple(pack.name for pack in packs_of(case, choice, setup)),
    )


def packs_of(case: Case, choice: Choice, setup: Setup) -> tuple[regimes.Regime, ...]:
    """The laws that apply to a choice about the case's seller."""
    return regimes.applying(choice.kind, case.facts.natural_person, setup.regimes)
