"""The record that a page is made of: a logged answer, the same bytes as the API's."""

from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from serving.answers import Question, predict
from serving.casework import records
from serving.casework.cases import Case
from serving.casework.records import Record
from serving.loaded import Loaded
from serving.records.database import reading, writing
from serving.records.predictions import Prediction
from serving.records.tables.predictions import PREDICTIONS
from serving.review.call import Refusal
from serving.store import UNKNOWN

HORIZON = 28


def record_of(engine: sa.Engine, loaded: Loaded | None, seller_id: str, cases: Sequence[Case]) -> Record:
    """The newest case's record; without a case, today's answer, logged once a day. Refusal when nobody knows it."""
    newest = max(cases, key=lambda case: case.facts.as_of, default=None)
    if newest:
        with reading(engine) as con:
            return records.read(con, newest.facts.decision_id)
    if loaded is None:
        raise Refusal(503)
    number = int(loaded.store.find([seller_id])[0])
    if number == UNKNOWN:
        raise Refusal(404)
    decision_id = _logged(engine, loaded, seller_id) or _log(engine, _predicted(loaded, number))
    with reading(engine) as con:
        return records.read(con, decision_id)


def _logged(engine: sa.Engine, loaded: Loaded, seller_id: str) -> str | None:
    """Today's answer of this model, with reasons, if somebody asked for it before."""
    p = PREDICTIONS.c
    same = (p.seller_id == seller_id) & (p.as_of == loaded.store.day) & (p.horizon_days == HORIZON)
    same &= (p.model_digest == loaded.held.bundle.digest) & (p.layout == loaded.layout)
    with reading(engine) as con:
        rows = con.execute(sa.select(p.decision_id, p.answer).where(same).order_by(p.logged_at.desc()).limit(5)).all()
    return next((row.decision_id for row in rows if row.answer and b'"explanation"' in row.answer), None)


def _predicted(loaded: Loaded, number: int) -> Prediction:
    rows = loaded.store.rows(np.array([number], dtype=np.int64))
    return predict(loaded.held, rows, Question(HORIZON, explain=True), loaded.store.day, loaded.layout)[0]


def _log(engine: sa.Engine, prediction: Prediction) -> str:
    with writing(engine) as con:
        records.keep(con, [prediction])
    return prediction.decision_id
