"""Training: the backtest, then every model on all that is known by now, written as one bundle with its report."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from features.errors import ForesellError
from features.intake import Marketplace
from features.standards import StandardsFile
from features.table import HORIZONS, FeatureTable
from models.bundle import CARD, Bundle, save
from models.economy import Economy
from models.explain import parts
from models.risk_model import Bands, Key, RiskModel, contributions, predict
from training import plots
from training.backtest import assembled, goals_of, iso, part_of
from training.bands import cut_points
from training.card import card
from training.evaluate import flat
from training.fit import Fitted, fit
from training.gates import Gate, judge
from training.kept import FILE as KEPT
from training.kept import rows_to_keep
from training.material import Material, Target, modelled, prepare, target
from training.outcomes import spread_of
from training.report import render
from training.scoring import Options, chosen
from training.stages import NOTHING_KEPT, Stages, stages
from training.trees import PACES, PRESENT, TreeSettings, checked

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Progress = Callable[[str], None]
Recipe = tuple[tuple[str, ...], TreeSettings]  # features, and how the trees are grown
SEED = 0
LEAST_BREACHES = 20  # labelled rows of the rarer class under which no model is fitted


@dataclass(frozen=True)
class Training:
    """What a training leaves: the report and its verdict, the saved bundle, and where its files lie."""

    report: dict[str, Any]
    gates: tuple[Gate, ...]
    bundle: Bundle
    folder: Path
    parameters: Mapping[str, str | int | float | bool]
    metrics: Mapping[str, float]
    left_out: tuple[str, ...]  # models that the record has too few breaches for
    material: Material

    @property
    def passed(self) -> bool:
        """Whether every gate is passed."""
        return all(gate.passed for gate in self.gates)


def train(
    market: Marketplace,
    standards: StandardsFile,
    folder: Path,
    options: Options | None = None,
    economy: Economy | None = None,
    progress: Progress | None = None,
    unfinished: Path | None = None,
) -> Training:
    """Backtest, fit, calibrate and judge; writes report.json and .html, card.md, tested.parquet, plots/ and bundle/.

    unfinished: where finished parts are kept until all is done, for the next run on the same data with the same code.
    ForesellError for a record that is too short, or that holds too few breaches for any model.
    """
    say, asked = progress or (lambda _: None), options or Options()
    material = prepare(market, standards, progress=say)
    costs = economy or Economy(asked.capacity)
    settings = {"options": asked, "economy": costs, "standards": material.standards, "moments": material.moments}
    kept = stages(unfinished, material.ledger, digest(material.active), settings)
    found, rows = backtested(material, asked, kept, say)
    folder.mkdir(parents=True, exist_ok=True)
    write_report(found, folder)
    rows.to_parquet(folder / KEPT, index=False)
    models, left_out = final_models(material, costs, say, kept, asked.trees)
    gates = judge(found, largest_gap(models, material))
    say("writing the bundle")
    unsaved = _bundle(material, models, asked.trees)
    text = card([(found["dataset"], found)], gates, _changes(unsaved))
    (folder / CARD).write_text(text, encoding="utf-8")
    bundle = save(replace(unsaved, card=text), folder / "bundle")
    plots.write(found, bundle, material.active.block, folder / "plots")
    kept.done()
    return Training(found, gates, bundle, folder, _parameters(asked), flat(found), left_out, material)


def backtested(
    material: Material, options: Options, kept: Stages, say: Progress
) -> tuple[dict[str, Any], pd.DataFrame]:
    """The backtest's report, and the probabilities of its test period; each risk is a part that is kept."""
    goals, parts, rows = goals_of(material, options), {}, []
    for risk, goal in goals.items():
        parts[risk] = kept.once(f"backtest-{risk}", partial(_part, material, risk, goal, options, say))
        rows.append(pd.DataFrame(parts[risk].pop("rows")))
    return assembled(material, goals, parts, options, say), pd.concat(rows, ignore_index=True)


def _part(material: Material, risk: str, goal: Target, options: Options, say: Progress) -> dict[str, Any]:
    part, tested = part_of(material, risk, goal, options, say)
    return part | {"rows": rows_to_keep(material, risk, tested, options.horizon).to_dict("list")}


def write_report(found: Mapping[str, Any], folder: Path) -> tuple[Path, Path]:
    """report.json and report.html in a folder that exists."""
    plain, page = folder / "report.json", folder / "report.html"
    plain.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    page.write_text(render(found), encoding="utf-8")
    return plain, page


def final_models(
    material: Material,
    economy: Economy,
    say: Progress,
    kept: Stages = NOTHING_KEPT,
    trees: Mapping[str, TreeSettings] = MappingProxyType({}),
) -> tuple[list[RiskModel], tuple[str, ...]]:
    """One model per standard and horizon on every row whose label is known by now; and the keys left out."""
    made, left_out = [], []
    for standard in modelled(material):
        recipe = None
        for horizon in HORIZONS:
            key = Key(standard.risk, "" if standard.headline else standard.part, horizon)
            say(f"fitting {key}")
            goal = target(material, standard, horizon)
            train = goal.known_by(material.moments.data_end)
            if not enough(goal.rows.label[train]):
                left_out.append(str(key))
                continue
            recipe = recipe or _chosen(goal, train, kept, trees)
            fitting = partial(final_model, material, goal, train, recipe[0], key, economy, recipe[1])
            made.append(kept.model(fitting, partial(_alone, material), str(key)))
    if not made:
        raise ForesellError(
            rule=f"A model needs at least {LEAST_BREACHES} readings with a later breach and as many without.",
            found=f"fewer for each of {', '.join(left_out)}",
            next_step="bring a longer record, or another standard",
        )
    return made, tuple(left_out)


def _chosen(goal: Target, train: Mask, kept: Stages, given: Mapping[str, TreeSettings]) -> Recipe:
    """The recipe of a standard's models, decided at its first horizon."""

    def choosing() -> dict[str, Any]:
        names, trees = chosen(goal, train, given)
        return {"names": names, "trees": trees.as_json()}

    found = kept.once(f"recipe-{goal.standard.name}", choosing)
    return tuple(found["names"]), checked(found["trees"], "kept")


def _alone(material: Material, model: RiskModel) -> Bundle:
    return _bundle(material, [model])


def enough(label: Array) -> bool:
    """Whether both classes are there often enough to learn from."""
    return bool(min(label.sum(), (1 - label).sum()) >= LEAST_BREACHES)


def final_model(
    material: Material,
    goal: Target,
    train: Mask,
    names: tuple[str, ...],
    key: Key,
    economy: Economy,
    trees: TreeSettings = PRESENT,
) -> RiskModel:
    """The model that serves: seed 0 on all the given rows."""
    fitted = fit(goal.rows.take(train).only(names), goal.horizon, SEED, trees=trees)
    return RiskModel(
        key=key,
        standard=goal.standard,
        text=fitted.trees.model_to_string(),
        features=names,
        calibration=fitted.line,
        bands=_bands(goal, train, fitted, economy),
        spread=spread_of(material, goal, train),
    )


def _bands(goal: Target, train: Mask, fitted: Fitted, economy: Economy) -> Bands:
    """Cut points from the out-of-time probabilities of sellers not in breach."""
    now = goal.projection
    free = ~goal.standard.breach(now.now_x[train], now.now_n[train]) & np.isfinite(fitted.raw)
    return Bands(*cut_points(expit(fitted.line.apply(fitted.raw[free])), economy))


def largest_gap(models: Iterable[RiskModel], material: Material) -> float:
    """The largest difference, over models and the newest rows, between a served log-odds and the sum of its parts."""
    table = material.active
    block = table.block.take(table.as_of == table.as_of.max())
    gaps = []
    for model in models:
        said = predict(model, block)
        split = parts(model, said, contributions(model, said))
        gaps.append(float(np.abs(split.base + split.arithmetic + split.of_feature.sum(axis=1) - said.served).max()))
    return max(gaps)


def _bundle(
    material: Material, models: Iterable[RiskModel], trees: Mapping[str, TreeSettings] = MappingProxyType({})
) -> Bundle:
    table, moments, market = material.active, material.moments, material.ledger.market
    given = {"trees": {risk: settings.as_json() for risk, settings in trees.items()}} if trees else {}
    return Bundle(
        models=tuple(models),
        features={f.name: f for f in table.features},
        golden=table.block,
        data_digest=digest(table),
        calibrated_to=iso(moments.data_end),
        created_from={"dataset": market.name, "zone": market.zone, "seed": SEED, **given},
    )


def _changes(bundle: Bundle) -> dict[str, str]:
    """What the card's change log says of a training."""
    return {
        "Trained on": f"{bundle.created_from['dataset']}, rows with the digest {bundle.data_digest}",
        "Labels to": bundle.calibrated_to,
        "Seed": str(bundle.created_from["seed"]),
        **_given_trees(bundle),
        "Models": ", ".join(str(m.key) for m in bundle.models),
    }


def _given_trees(bundle: Bundle) -> dict[str, str]:
    """The tree settings that a training was given, in words."""
    given = bundle.created_from.get("trees", {})
    return {
        f"Trees of {risk}": ", ".join(f"{name} {value:g}" for name, value in settings.items())
        for risk, settings in given.items()
    }


def digest(table: FeatureTable) -> str:
    """SHA-256 of the rows learned from: keys, texts and numbers."""
    seen = sha256("\n".join([*table.block.names, *table.seller_id]).encode())
    seen.update(table.as_of.tobytes())
    for name, column in table.text.items():
        seen.update("\n".join([name, *column]).encode())
    seen.update(np.ascontiguousarray(table.block.values).tobytes())
    return f"sha256:{seen.hexdigest()}"


def _parameters(options: Options) -> dict[str, str | int | float | bool]:
    given = {
        f"{risk}/{name}": value for risk, trees in options.trees.items() for name, value in trees.as_json().items()
    }
    return {
        **PRESENT.parameters(),
        "paces": " or ".join(f"{rounds} rounds at {rate}" for rate, rounds in PACES),
        "seed": SEED,
        "horizon_days": options.horizon,
        "capacity": options.capacity,
        **given,
    }
