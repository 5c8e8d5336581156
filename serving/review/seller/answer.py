"""The logged answer that a seller's pages are made of, and what they say of it: who, verdict, change."""

from collections.abc import Collection, Sequence
from math import isnan
from urllib.parse import quote, urlencode

import numpy as np
import sqlalchemy as sa

from core.days import days_after
from serving.audit_log.predictions import PredictionRecord
from serving.casework.cases.case import Case
from serving.casework.snapshots import logged_answers
from serving.casework.snapshots.logged_answers import LoggedAnswer
from serving.casework.snapshots.seller_snapshot import HORIZON
from serving.database.connection import reading, writing
from serving.database.tables.predictions import PREDICTIONS
from serving.review.pages import texts
from serving.review.seller.views import SellerHead
from serving.review.web.page_request import Refusal
from serving.review.web.services import Services
from serving.scoring import formats
from serving.scoring.answers import ScoreOptions, predict
from serving.scoring.model_watcher import ModelAndStore
from serving.scoring.results import RiskResult
from serving.scoring.what_if import what_if
from serving.store.online_store import UNKNOWN


def answer_of(engine: sa.Engine, loaded: ModelAndStore | None, seller_id: str, cases: Sequence[Case]) -> LoggedAnswer:
    """The newest case's answer; without a case, today's, logged once a day. Refusal for an unknown seller."""
    newest = max(cases, key=lambda case: case.facts.as_of, default=None)
    if newest:
        with reading(engine) as con:
            return logged_answers.read(con, newest.facts.decision_id)
    if loaded is None:
        raise Refusal(503)
    number = int(loaded.store.find([seller_id])[0])
    if number == UNKNOWN:
        raise Refusal(404)
    decision_id = _logged(engine, loaded, seller_id) or _log(engine, _predicted(loaded, number))
    with reading(engine) as con:
        return logged_answers.read(con, decision_id)


def _logged(engine: sa.Engine, loaded: ModelAndStore, seller_id: str) -> str | None:
    """The id of today's logged answer of this model with reasons, if there is one."""
    p = PREDICTIONS.c
    same = (p.seller_id == seller_id) & (p.as_of == loaded.store.day) & (p.horizon_days == HORIZON)
    same &= (p.model_digest == loaded.model.bundle.digest) & (p.layout == loaded.layout)
    with reading(engine) as con:
        rows = con.execute(sa.select(p.decision_id, p.answer).where(same).order_by(p.logged_at.desc()).limit(5)).all()
    return next((row.decision_id for row in rows if row.answer and b'"explanation"' in row.answer), None)


def _predicted(loaded: ModelAndStore, number: int) -> PredictionRecord:
    rows = loaded.store.rows(np.array([number], dtype=np.int64))
    return predict(loaded.model, rows, ScoreOptions(HORIZON, explain=True), loaded.store.day, loaded.layout)[0]


def _log(engine: sa.Engine, prediction: PredictionRecord) -> str:
    with writing(engine) as con:
        logged_answers.keep(con, [prediction])
    return prediction.decision_id


def orders_href(seller_id: str, risk: str, of: str, item: str = "") -> str:
    """Where the orders behind a reason, or behind an item, are listed."""
    named = {"risk": risk, "of": of} | ({"item": item} if item else {})
    return f"{seller_path(seller_id)}/orders?{urlencode(named)}"


def seller_path(seller_id: str) -> str:
    """A seller's page; an id may hold anything."""
    return f"/seller/{quote(seller_id, safe='')}"


def seller_head(services: Services, answer: LoggedAnswer) -> SellerHead:
    """The seller of the answer, as the online store describes it."""
    loaded = services.watcher.loaded
    number = int(loaded.store.find([answer.seller_id])[0]) if loaded else UNKNOWN
    kept = loaded.store.record(number) if loaded and number != UNKNOWN else {}
    text, known = kept.get("text", {}), kept.get("seller", {})
    names = [text.get(name, "") for name in ("category", "size", "fulfilment", "region")]
    tenure = float(answer.block["tenure_days"][0])
    return SellerHead(
        seller_id=answer.seller_id,
        name=known.get("name") or "",
        attributes=tuple(name for name in names if name),
        tenure_days=0 if isnan(tenure) else int(tenure),
        orders=answer.result["evidence"]["orders_in_window"],
        low_evidence=answer.result["evidence"]["low_evidence"],
        incomplete=answer.result["evidence"].get("incomplete", False),  # older answers do not say
        natural_person=known.get("natural_person"),
    )


def verdict(risk: str, risk_result: RiskResult, as_of: str, horizon: int) -> str:
    """Where the seller stands today, and how likely a breach is at the horizon's end."""
    standard, (low, high) = risk_result["standard"], risk_result["interval_90"]
    state = "in_breach" if risk_result["in_breach"] else "no_volume" if standard["current_rate"] is None else "kept"
    return texts.plain(
        f"verdict.{state}",
        rate_name=texts.plain(f"risk.{risk}_rate"),
        probability=formats.percent(risk_result["probability"]),
        low=formats.percent(low),
        high=formats.percent(high),
        until=formats.day(days_after(as_of, horizon)),
        rate=formats.rate(standard["current_rate"]),
        volume=standard["volume"],
        limit=formats.rate(standard["limit"]),
    )


TO_STAFF, TO_SELLER = "text", "text_to_seller"  # which sentence: for the staff, or for the seller


def changes(
    services: Services, answer: LoggedAnswer, risks: Collection[str], audience: str = TO_STAFF
) -> dict[str, str]:
    """What would change a risk: a sentence by risk, none where there is nothing to say.

    Only for an answer of the model and online store in use: an older or a corrected answer has no daily counts in the
    store to project from.
    """
    loaded = services.watcher.loaded
    if loaded is None or (loaded.store.day, loaded.model.bundle.digest) != (answer.as_of, answer.model_digest):
        return {}
    past = loaded.store.days(answer.seller_id)
    if not past.add_up_to(answer.block):
        return {}
    found = what_if(loaded.model.bundle, answer.block, past, answer.horizon_days, risks)
    return {risk: one[audience] for risk, one in found.items() if one}
