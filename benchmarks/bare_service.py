"""What the service is compared with: FastAPI and the same models, their inputs worked out beforehand; nothing else.

No log, no keys, no checks beyond FastAPI's own, no arithmetic, no intervals, no sentences: a lower bound of what a
score costs. Its probabilities are the service's own, to the last digits; the benchmark compares them before it starts.
"""

import json
import math
import os
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

FOLDER = Path(os.environ["BARE_FOLDER"])
MODELS = {path.stem: lgb.Booster(model_file=str(path)) for path in sorted(FOLDER.glob("*.txt"))}
MATRICES = {name: np.load(FOLDER / f"{name}.npy") for name in MODELS}
LINES = {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in MODELS}
PLACES = {seller: i for i, seller in enumerate(json.loads((FOLDER / "sellers.json").read_text()))}
app = FastAPI()


class Question(BaseModel):
    """As the API takes it."""

    seller_ids: list[str]
    horizon_days: int = 28


@app.post("/v1/score")
async def score(question: Question) -> dict[str, Any]:
    """Contributions of the two headline risks, probabilities of the parts."""
    return {"results": [_one(seller) for seller in question.seller_ids]}


def _one(seller: str) -> dict[str, Any]:
    place = PLACES[seller]
    return {"seller_id": seller, "risks": {name: _risk(name, place) for name in MODELS}}


def _risk(name: str, place: int) -> dict[str, Any]:
    row = MATRICES[name][place : place + 1]
    if "." in name:  # a part: service.late_delivery-28
        raw = MODELS[name].predict(row, num_threads=1, raw_score=True)[0]
        return {"probability": _probability(name, place, raw)}
    added = MODELS[name].predict(row, num_threads=1, pred_contrib=True)[0]
    return {"probability": _probability(name, place, added.sum()), "contributions": added.tolist()}


def _probability(name: str, place: int, raw: float) -> float:
    """The trees on top of the roll-forward's log-odds, calibrated."""
    line = LINES[name]
    return 1 / (1 + math.exp(-line["slope"] * (line["offset"][place] + raw) - line["shift"]))
