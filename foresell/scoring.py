"""`foresell score`: the champion over every active seller, in one file."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from features.errors import ForesellError
from features.ledger import Ledger
from features.settings import Settings
from features.table import FeatureTable, build_table
from foresell.console import Outcome, Say, steps, table
from foresell.data import iso, read_ledger
from models.bundle import Bundle, check_catalogue, load
from serving.copies import current, local_copy
from serving.refresh import refresh

SHOWN = 10


def score_sellers(data: Path, out: Path, zone: str | None) -> Outcome:
    """Score every active seller at the last ledger day and write the scores with their reasons."""
    settings = Settings()
    with steps() as say:
        version, bundle = champion(settings, say)
        ledger = read_ledger(data, zone, settings, say)
        rows = last_day(ledger, bundle, say)
        say("scoring")
        columns = scored(bundle, rows.take(rows.block["active"] > 0), version)
        write_scores(columns, out)
    return _scored(columns, out)


def champion(settings: Settings, say: Say) -> tuple[str, Bundle]:
    """Version and bundle of the champion: a verified local copy, brought from the registry if that answers."""
    say("fetching the champion")
    trouble = fetch(settings)
    here = current(settings.home)
    if not here:
        next_step = "foresell train DATA, then foresell promote"
        raise ForesellError("The registry must have a champion.", trouble or "no champion", next_step)
    digest = str(here["digest"])
    return str(here["version"]), load(local_copy(settings.home, digest), digest)


def fetch(settings: Settings) -> str:
    """Bring the champion here, or say what hindered it; a copy from before then serves on."""
    if nothing_trained(settings):
        return "no model has been trained yet"
    try:
        refresh(settings)
    except ForesellError:
        raise
    except Exception as error:  # whatever a registry's client raises
        return f"{type(error).__name__}: {error}"
    return ""


def nothing_trained(settings: Settings) -> bool:
    """Whether the registry is the one under home, and is not there yet."""
    return not settings.tracking_uri and not (settings.home / "mlflow.db").exists()


def last_day(ledger: Ledger, bundle: Bundle, say: Say) -> FeatureTable:
    """Every seller's row at the last ledger day, with what the bundle reads."""
    say("building the features")
    rows = build_table(ledger, [ledger.last_day], [model.standard for model in bundle.models])
    check_catalogue(bundle, rows.features)
    return rows


def scored(bundle: Bundle, rows: FeatureTable, version: str) -> dict[str, Any]:
    """The scores of a 28-day horizon as columns by name, with the version that made them."""
    from models.batch import batch

    columns: dict[str, Any] = dict(batch(bundle, rows))
    digest = columns.pop("model_digest")
    return columns | {"model_version": np.full(len(digest), version, dtype=object), "model_digest": digest}


def write_scores(columns: dict[str, Any], out: Path) -> None:
    """The scores as one Parquet file; complete or not there."""
    import pyarrow as pa
    from pyarrow import parquet

    part = out.with_name(f".{out.name}.part")
    out.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns | {"as_of": columns["as_of"].astype("datetime64[D]")}), part)
    part.replace(out)


def _scored(columns: dict[str, Any], out: Path) -> Outcome:
    bands = Counter(zip(columns["risk"].tolist(), columns["band"].tolist(), strict=True))
    counts = [{"risk": risk, "band": band, "sellers": n} for (risk, band), n in sorted(bands.items())]
    day = iso(int(columns["as_of"][0])) if len(columns["as_of"]) else None
    data = {"out": str(out), "as_of": day, "rows": len(columns["risk"]), "bands": counts}
    top = np.argsort(-columns["probability"])[:SHOWN]
    rows = [(str(columns["seller_id"][i]), str(columns["risk"][i]), *_figures(columns, i)) for i in top]
    heads = {"seller": "left", "risk": "left", "in breach in 28 days": "right", "band": "left", "first reason": "left"}
    return Outcome(data, (table(heads, rows), f"{data['rows']:,} scores as of {day}; written to {out}"))


def _figures(columns: dict[str, Any], i: int) -> tuple[str, str, str]:
    return f"{columns['probability'][i]:.0%}", str(columns["band"][i]), str(columns["text_1"][i] or "")
