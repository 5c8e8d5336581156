"""Handlers of /v1/standards and /v1/model: what the model that serves is, and what it speaks of."""

from dataclasses import fields
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json
from starlette.responses import Response

from features.standards.standard import Standard
from serving.api.routing import Call
from serving.deployment.shadow import report
from serving.problems import refuse
from serving.store.pointer import read

if TYPE_CHECKING:  # they bring LightGBM, which BentoML's parent process has no use for
    from models.boosting.risk_model import RiskModel
    from serving.scoring.model_watcher import ModelAndStore


async def standards(call: Call) -> Response:
    """The standards behind the models, the headlines first."""
    loaded = _loaded(call)
    models: dict[tuple[str, str], list[RiskModel]] = {}
    for model in loaded.model.bundle.models:
        models.setdefault((model.standard.name, model.standard.version), []).append(model)
    shown = [_standard(own[0].standard, sorted({m.key.horizon for m in own})) for own in models.values()]
    ranked = sorted(shown, key=lambda s: (s["risk"], not s["headline"], s["name"]))
    return _json({"model": used(loaded), "standards": ranked})


async def model(call: Call) -> Response:
    """The bundle, the store, and how fresh they are."""
    loaded, freshness = _loaded(call), call.state.freshness
    bundle, store = loaded.model.bundle, loaded.store
    asked_at = datetime.fromtimestamp(freshness.asked_at, UTC).isoformat(timespec="seconds")
    return _json(
        {
            **used(loaded),
            "data_digest": bundle.data_digest,
            "created_from": {name: _plain(value) for name, value in bundle.created_from.items()},
            "card": bundle.card or None,
            "models": [_model(m) for m in bundle.models],
            "store": {"as_of": store.day, "sellers": len(store.keys)},
            "age_days": age_days(bundle.calibrated_to),
            "stale": freshness.stale,
            "registry_asked_at": asked_at,
            "challenger": read(report(call.state.settings.home.resolve())) or None,
        }
    )


def used(loaded: "ModelAndStore") -> dict[str, str]:
    """The model as every answer names it."""
    from serving.scoring.answers import model_used

    return model_used(loaded.model)


def age_days(calibrated_to: str) -> int:
    """Days since the last label that the calibration saw."""
    return (datetime.now(UTC).date() - date.fromisoformat(calibrated_to)).days


def _loaded(call: Call) -> "ModelAndStore":
    loaded = call.state.scoring.watcher.loaded
    if loaded is None:
        raise refuse("not-ready")
    return loaded


def _standard(standard: Standard, horizons: list[int]) -> dict[str, Any]:
    plain = {f.name: getattr(standard, f.name) for f in fields(standard) if f.name != "evidence"}
    warn = standard.warn_limit
    limits = {"limit": float(standard.limit), "warn_limit": None if warn is None else float(warn)}
    return plain | limits | {"horizons": horizons}


def _model(m: "RiskModel") -> dict[str, Any]:
    return {
        "risk": m.key.risk,
        "part": m.key.part,
        "horizon_days": m.key.horizon,
        "standard": f"{m.standard.name} {m.standard.version}",
        "features": len(m.features),
        "calibration": m.calibration.as_json(),
        "bands": {"watch": m.bands.watch, "review": m.bands.review},
    }


def _plain(value: Any) -> str | int | float | bool | None:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _json(said: Any) -> Response:
    return Response(to_json(said), media_type="application/json")
