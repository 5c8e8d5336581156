"""`python -m serving.deployment.shadow`: score the newest logged predictions with the challenger.

A process of its own, run now and then at low priority on what is in the log: no answer waits for it, none can break by
it, and it takes nothing from the hot path. It leaves serving/shadow.json for the workers' gauges and for /v1/model.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from core.file_lock import locked
from core.settings import Settings
from serving.store.bundles import challenger_pointer, current, local_copy
from serving.store.pointer import read, swap

NEWEST = 500
Pairs = Mapping[str, Sequence[tuple[float, float, str, str]]]  # by risk: champion's and challenger's, with their bands


def report(home: Path) -> Path:
    """Where the comparison is kept."""
    return home / "serving" / "shadow.json"


def compare(settings: Settings) -> dict[str, Any] | None:
    """The challenger against what was answered; None without a challenger of its own."""
    from models.bundle.bundle import load

    home = settings.home.resolve()
    named = read(challenger_pointer(home))
    if named is None or named["digest"] == current(home).get("digest"):
        return None
    bundle = load(local_copy(home, named["digest"]), named["digest"])
    rows = _newest(settings, str(current(home).get("digest")))
    pairs: dict[str, list[tuple[float, float, str, str]]] = {}
    for (layout, horizon), group in groupby(rows, key=lambda row: (row["names"], row["horizon_days"])):
        for risk, found in _scored(bundle, json.loads(layout), int(horizon), list(group)):
            pairs.setdefault(risk, []).append(found)
    return {
        "version": named["version"],
        "digest": named["digest"],
        "risks": {r: _differences(p) for r, p in pairs.items()},
    }


def _newest(settings: Settings, digest: str) -> Sequence[sa.RowMapping]:
    """The champion's newest predictions that are not erased, those of one layout and horizon together."""
    from serving.database.connection import open_database, reading
    from serving.database.tables.predictions import LAYOUTS, PREDICTIONS

    p = PREDICTIONS.c
    mine = sa.and_(p.model_digest == digest, p.erased_at.is_(None))
    chosen = sa.select(p.horizon_days, p.vector, p.attributes, p.answer, LAYOUTS.c.names).join(LAYOUTS).where(mine)
    engine = open_database(settings)
    with reading(engine) as con:
        rows = con.execute(chosen.order_by(p.logged_at.desc()).limit(NEWEST)).mappings().all()
    engine.dispose()
    return sorted(rows, key=lambda row: (row["names"], row["horizon_days"]))


def _scored(
    bundle: Any, names: Sequence[str], horizon: int, rows: Sequence[Any]
) -> Iterable[tuple[str, tuple[float, float, str, str]]]:
    """Of each row and risk, the probability and band that were answered, and the challenger's."""
    from core.block import Block
    from models.score import assess, headline_models
    from serving.scoring.results import read_result

    block = Block(tuple(names), np.array([np.frombuffer(bytes(row["vector"]), dtype="<f8") for row in rows]))
    for model in headline_models(bundle, horizon):
        found = assess(model, block)
        for i, row in enumerate(rows):
            answered = read_result(bytes(row["answer"]))["risks"].get(model.key.risk)
            if answered:
                theirs = float(found.prediction.probability[i])
                yield model.key.risk, (answered["probability"], theirs, answered["band"], found.bands[i])


def _differences(pairs: Sequence[tuple[float, float, str, str]]) -> dict[str, float]:
    """How far the two lie apart, in probability; and how often the band is another."""
    gap = np.abs([ours - theirs for ours, theirs, _, _ in pairs])
    return {
        "compared": len(pairs),
        "mean_difference": float(gap.mean()),
        "p95_difference": float(np.quantile(gap, 0.95)),
        "largest_difference": float(gap.max()),
        "mean_shift": float(np.mean([theirs - ours for ours, theirs, _, _ in pairs])),
        "other_band_share": float(np.mean([a != b for _, _, a, b in pairs])),
    }


def main() -> int:
    """0 when the comparison is written, or when another process is at it."""
    settings = Settings()
    os.nice(19)
    with locked(settings.home / "serving" / "shadow.lock", wait=False) as mine:
        if mine:
            swap(report(settings.home.resolve()), compare(settings) or {})
    return 0


if __name__ == "__main__":
    sys.exit(main())
