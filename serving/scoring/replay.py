"""Score a logged prediction again: the model of its digest on the inputs that were logged."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic_core import to_json

from core.block import Block
from core.errors import ForesellError
from features.table import FeatureTable
from models.bundle.bundle import Bundle, load
from models.score import score
from serving.audit_log.predictions import LoggedPrediction
from serving.problems import refuse
from serving.scoring.answers import result
from serving.store.bundles import local_copy
from serving.store.rows import Rows

CACHED_BUNDLES = 2  # bundles: the champion's and the one before are most of what is asked for


def replay(home: Path, logged: LoggedPrediction) -> dict[str, Any]:
    """The risks as they come out now, and where they differ from those answered; ProblemError without the model."""
    said = json.loads(logged.answer)
    explain = any("explanation" in risk for risk in said["risks"].values())
    table = _table(logged)
    by_risk = score(_bundle(home, logged), table, logged.horizon_days, explain)[0]
    made = json.loads(to_json(result(logged.decision_id, Rows(table, [{}], [()]), 0, by_risk)))
    again = {risk: _without_orders(value) for risk, value in made["risks"].items()}
    before = {risk: _without_orders(value) for risk, value in said["risks"].items()}
    return {"risks": again, "differences": list(_differences(before, again, "/risks"))}


def _bundle(home: Path, logged: LoggedPrediction) -> Bundle:
    folder = local_copy(home, logged.model_digest)
    if not folder.is_dir():
        detail = f"Version {logged.model_version}, {logged.model_digest}: bring its bundle back from the registry."
        raise refuse("model-gone", detail)
    try:
        return _loaded(folder, logged.model_digest)
    except ForesellError as error:
        raise refuse("model-gone", f"The local copy of {logged.model_digest} is damaged: {error.found}.") from error


@lru_cache(maxsize=CACHED_BUNDLES)
def _loaded(folder: Path, digest: str) -> Bundle:
    return load(folder, digest)


def _table(logged: LoggedPrediction) -> FeatureTable:
    """The row of the feature table that was scored."""
    values = np.frombuffer(logged.vector, dtype="<f8").reshape(1, -1)
    text = {name: np.array([value], dtype=object) for name, value in logged.attributes.items()}
    day = np.datetime64(logged.as_of, "D").astype(np.int64)
    ids = np.array([logged.seller_id], dtype=object)
    return FeatureTable(ids, np.array([day]), text, Block(tuple(logged.names), values), ())


def _without_orders(risk: Mapping[str, Any]) -> dict[str, Any]:
    """What a model says; which orders stood behind it is the store's word, and is read back, not scored again."""
    kept = {name: value for name, value in risk.items() if name != "items"}
    if "explanation" in kept:
        reasons = [_without_ids(reason) for reason in kept["explanation"]["reasons"]]
        kept["explanation"] = kept["explanation"] | {"reasons": reasons}
    return kept


def _without_ids(reason: Mapping[str, Any]) -> dict[str, Any]:
    return {**reason, "evidence": {**reason["evidence"], "order_ids": []}}


def _differences(before: Any, again: Any, place: str) -> Sequence[str]:
    """JSON pointers (RFC 6901) of the values that are not the same."""
    if isinstance(before, dict) and isinstance(again, dict) and before.keys() == again.keys():
        pairs = [(name, before[name], again[name]) for name in before]
    elif isinstance(before, list) and isinstance(again, list) and len(before) == len(again):
        pairs = [(str(i), *pair) for i, pair in enumerate(zip(before, again, strict=True))]
    else:
        return [] if before == again else [place]
    return [d for name, one, other in pairs for d in _differences(one, other, f"{place}/{name}")]
