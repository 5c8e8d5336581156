"""Training: run the backtest, fit every model on all labels known by now, and write one bundle with its report."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from inspect import getfile
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.days import iso
from core.errors import ForesellError
from core.file_lock import locked
from features.ingest.intake import Marketplace
from features.standards.standard import StandardsFile
from features.table import HORIZONS, FeatureTable
from models.arithmetic.economy import Economy
from models.boosting.risk_model import ModelKey, RiskModel, contributions, predict
from models.bundle.bundle import CARD, Bundle, save
from models.explain.reasons import split_log_odds
from training.backtest.backtest import assemble_report, backtest_risk, tasks_of
from training.backtest.evaluate import flat
from training.backtest.observed_outcomes import spread_of
from training.backtest.out_of_time_predictions import FILE as PREDICTIONS
from training.backtest.out_of_time_predictions import backtest_predictions
from training.backtest.scores import Options, chosen
from training.dataset.dataset import Dataset, LabelledTask, labelled_task, modelled_standards, prepare_dataset
from training.fit.boosting import fit
from training.fit.tree_settings import LEARNING_RATES, PRESENT, TreeSettings, checked
from training.promotion.gates import Gate, judge
from training.report_schema import Report, RiskPart
from training.reports import plots
from training.reports.model_card import card
from training.reports.report import render
from training.stages import NOTHING_STORED, Stages, stages

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Progress = Callable[[str], None]
Recipe = tuple[tuple[str, ...], TreeSettings]  # features, and how the trees are grown
SEED = 0
LEAST_BREACHES = 20  # with fewer labelled rows of the rarer class, no model is fitted


@dataclass(frozen=True)
class Training:
    """The result of a training: the report, the gates, the saved bundle, and the folder of its files."""

    report: Report
    gates: tuple[Gate, ...]
    bundle: Bundle
    folder: Path
    parameters: Mapping[str, str | int | float | bool]
    metrics: Mapping[str, float]
    left_out: tuple[str, ...]  # models that were not fitted, because the record has too few breaches
    dataset: Dataset

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

    unfinished: the folder of finished parts; a next run on the same data and code resumes from it. Deleted at the end.
    ForesellError for a record that is too short or has too few breaches for any model.
    """
    with _alone(unfinished) as parent:
        return _train(market, standards, folder, options or Options(), economy, progress or (lambda _: None), parent)


@contextmanager
def _alone(unfinished: Path | None) -> Iterator[Path | None]:
    """The folder of finished parts; None while another training uses it, so that neither disturbs the other."""
    if unfinished is None:
        yield None
        return
    with locked(unfinished.with_name(f".{unfinished.name}.lock"), wait=False) as alone:
        yield unfinished if alone else None


def _train(
    market: Marketplace,
    standards: StandardsFile,
    folder: Path,
    asked: Options,
    economy: Economy | None,
    say: Progress,
    unfinished: Path | None,
) -> Training:
    dataset = prepare_dataset(market, standards, progress=say)
    costs = economy or Economy(asked.capacity)
    settings = {"options": asked, "economy": costs, "standards": dataset.standards, "calendar": dataset.calendar}
    stored = stages(unfinished, dataset.ledger, digest(dataset.active), settings, _code_of_extension(asked))
    report, rows = backtested(dataset, asked, stored, say)
    folder.mkdir(parents=True, exist_ok=True)
    write_report(report, folder)
    rows.to_parquet(folder / PREDICTIONS, index=False)
    learned = replace(dataset, standards=tuple(s for s in dataset.standards if s.risk in report["risks"]))
    models, left_out = final_models(learned, costs, say, stored, asked.trees)
    gates = judge(report, largest_gap(models, dataset))
    say("writing the bundle")
    unsaved = _bundle(dataset, models, asked.trees)
    text = card([(report["dataset"], report)], gates, _changes(unsaved))
    (folder / CARD).write_text(text, encoding="utf-8")
    bundle = save(replace(unsaved, card=text), folder / "bundle")
    plots.write(report, bundle, dataset.active.block, folder / "plots")
    stored.done()
    return Training(report, gates, bundle, folder, _parameters(asked), flat(report), left_out, dataset)


def backtested(dataset: Dataset, options: Options, stored: Stages, say: Progress) -> tuple[Report, pd.DataFrame]:
    """The backtest's report, and the probabilities of its test period; each risk is stored as one finished part."""
    tasks, parts, rows = tasks_of(dataset, options), dict[str, RiskPart](), []
    for risk, task in tasks.items():
        part = stored.once(f"backtest-{risk}", partial(_part, dataset, risk, task, options, say))
        rows.append(pd.DataFrame(part.pop("rows")))
        parts[risk] = cast(RiskPart, part)
    return assemble_report(dataset, tasks, parts, options, say), pd.concat(rows, ignore_index=True)


def _code_of_extension(options: Options) -> Path | None:
    return Path(getfile(type(options.extension))).parent if options.extension else None


def _part(dataset: Dataset, risk: str, task: LabelledTask, options: Options, say: Progress) -> dict[str, Any]:
    part, test_period = backtest_risk(dataset, risk, task, options, say)
    return {**part, "rows": backtest_predictions(dataset, risk, test_period, options.horizon).to_dict("list")}


def write_report(report: Report, folder: Path) -> tuple[Path, Path]:
    """report.json and report.html in a folder that exists."""
    json_file, html_file = folder / "report.json", folder / "report.html"
    json_file.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    html_file.write_text(render(report), encoding="utf-8")
    return json_file, html_file


def final_models(
    dataset: Dataset,
    economy: Economy,
    say: Progress,
    stored: Stages = NOTHING_STORED,
    trees: Mapping[str, TreeSettings] = MappingProxyType({}),
) -> tuple[list[RiskModel], tuple[str, ...]]:
    """One model for each standard and horizon, fitted on every row with a known label; and the keys left out."""
    models, left_out = [], []
    for standard in modelled_standards(dataset):
        recipe = None
        for horizon in HORIZONS:
            key = ModelKey(standard.risk, "" if standard.headline else standard.part, horizon)
            say(f"fitting {key}")
            task = labelled_task(dataset, standard, horizon)
            train = task.known_by(dataset.calendar.data_end)
            if not enough(task.rows.label[train]):
                left_out.append(str(key))
                continue
            recipe = recipe or _chosen(task, train, stored, trees)
            fitting = partial(final_model, dataset, task, train, recipe[0], key, economy, recipe[1])
            models.append(stored.model(fitting, partial(_bundle_of_one, dataset), str(key)))
    if not models:
        raise ForesellError(
            rule=f"A model needs at least {LEAST_BREACHES} readings with a later breach and {LEAST_BREACHES} without.",
            found=f"fewer for each of {', '.join(left_out)}",
            next_step="use a longer record, or another standard",
        )
    return models, tuple(left_out)


def _chosen(task: LabelledTask, train: Mask, stored: Stages, given: Mapping[str, TreeSettings]) -> Recipe:
    """Features and tree settings of a standard's models: chosen once, at its first horizon, for all horizons."""

    def choose_recipe() -> dict[str, Any]:
        names, trees = chosen(task, train, given)
        return {"names": names, "trees": trees.as_json()}

    recipe = stored.once(f"recipe-{task.standard.name}", choose_recipe)
    return tuple(recipe["names"]), checked(recipe["trees"], "stored")


def _bundle_of_one(dataset: Dataset, model: RiskModel) -> Bundle:
    return _bundle(dataset, [model])


def enough(label: Array) -> bool:
    """Whether there are enough rows of both classes to learn from."""
    return bool(min(label.sum(), (1 - label).sum()) >= LEAST_BREACHES)


def final_model(
    dataset: Dataset,
    task: LabelledTask,
    train: Mask,
    names: tuple[str, ...],
    key: ModelKey,
    economy: Economy,
    trees: TreeSettings = PRESENT,
) -> RiskModel:
    """The model that will serve: fitted with seed 0 on all the given rows."""
    fitted = fit(task.rows.take(train).only(names), task.horizon, SEED, trees=trees)
    return RiskModel(
        key=key,
        standard=task.standard,
        text=fitted.trees.model_to_string(),
        features=names,
        calibration=fitted.line,
        bands=task.bands(train, fitted.line.apply(fitted.raw), economy),
        spread=spread_of(dataset, task, train),
    )


def largest_gap(models: Iterable[RiskModel], dataset: Dataset) -> float:
    """The largest difference, over models and the newest rows, between a served log-odds and the sum of its parts."""
    table = dataset.active
    block = table.block.take(table.as_of == table.as_of.max())
    gaps = []
    for model in models:
        predicted = predict(model, block)
        split = split_log_odds(model, predicted, contributions(model, predicted))
        gaps.append(
            float(np.abs(split.base + split.arithmetic + split.of_feature.sum(axis=1) - predicted.served).max())
        )
    return max(gaps)


def _bundle(
    dataset: Dataset, models: Iterable[RiskModel], trees: Mapping[str, TreeSettings] = MappingProxyType({})
) -> Bundle:
    table, calendar, market = dataset.active, dataset.calendar, dataset.ledger.market
    given = {"trees": {risk: settings.as_json() for risk, settings in trees.items()}} if trees else {}
    return Bundle(
        models=tuple(models),
        features={f.name: f for f in table.features},
        golden=table.block,
        data_digest=digest(table),
        calibrated_to=iso(calendar.data_end),
        created_from={"dataset": market.name, "zone": market.zone, "seed": SEED, **given},
    )


def _changes(bundle: Bundle) -> dict[str, str]:
    """The entries of the card's change log about a training."""
    return {
        "Trained on": f"{bundle.created_from['dataset']}, rows with the digest {bundle.data_digest}",
        "Labels to": bundle.calibrated_to,
        "Seed": str(bundle.created_from["seed"]),
        **_given_trees(bundle),
        "Models": ", ".join(str(m.key) for m in bundle.models),
    }


def _given_trees(bundle: Bundle) -> dict[str, str]:
    """The tree settings given with --trees, as text."""
    given = bundle.created_from.get("trees", {})
    return {
        f"Trees of {risk}": ", ".join(f"{name} {value:g}" for name, value in settings.items())
        for risk, settings in given.items()
    }


def digest(table: FeatureTable) -> str:
    """SHA-256 of the training rows: keys, texts and numbers."""
    hashed = sha256("\n".join([*table.block.names, *table.seller_id]).encode())
    hashed.update(table.as_of.tobytes())
    for name, column in table.text.items():
        hashed.update("\n".join([name, *column]).encode())
    hashed.update(np.ascontiguousarray(table.block.values).tobytes())
    return f"sha256:{hashed.hexdigest()}"


def _parameters(options: Options) -> dict[str, str | int | float | bool]:
    given = {
        f"{risk}/{name}": value for risk, trees in options.trees.items() for name, value in trees.as_json().items()
    }
    return {
        **PRESENT.parameters(),
        "paces": " or ".join(f"{rounds} rounds at {rate}" for rate, rounds in LEARNING_RATES),
        "seed": SEED,
        "horizon_days": options.horizon,
        "capacity": options.capacity,
        **given,
    }
