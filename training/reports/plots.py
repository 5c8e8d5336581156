"""PNG pictures for the MLflow run: SHAP beeswarm and importance, calibration, precision at capacity."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from core.block import Block
from models.boosting.risk_model import RiskModel, contributions, predict
from models.bundle.bundle import Bundle
from training.report_schema import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SAMPLE = 1000  # rows in a beeswarm
SHOWN = 15  # features in it
Curves = Mapping[str, list[list[float]]]


def write(report: Report, bundle: Bundle, block: Block, folder: Path) -> list[Path]:
    """Write PNG files: two for each headline model at the report's horizon, two for each risk of the report."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for risk, body in report["risks"].items():
        charts = {name: curves for name, curves in body["charts"].items() if curves}
        files += [_curve(cast(Curves, curves), name, folder / f"{risk}-{name}.png") for name, curves in charts.items()]
    for model in bundle.models:
        if not model.key.part and model.key.horizon == report["horizon_days"]:
            files += _shap(model, block, folder)
    return files


LABELS = {
    "calibration": ("probability given", "share in breach later", "Calibration, sellers not yet in breach"),
    "capacity": ("share of sellers reviewed a week", "share in breach later", "Precision at capacity"),
}


def _curve(curves: Curves, name: str, path: Path) -> Path:
    figure, axes = _figure()
    for score, points in curves.items():
        axes.plot([p[-2] for p in points], [p[-1] for p in points], marker="o", label=score.replace("_", " "))
    if name == "calibration":
        axes.axline((0, 0), slope=1, linestyle=":", color="grey")
    horizontal, vertical, title = LABELS[name]
    axes.set(xlabel=horizontal, ylabel=vertical, title=title)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    return path


def _figure() -> "tuple[Any, Axes]":
    """A figure outside pyplot, so that it needs no display and no shared state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5))
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _shap(model: RiskModel, block: Block, folder: Path) -> list[Path]:
    """Beeswarm and importance of the exact contributions, drawn by shap."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    rows = np.linspace(0, len(block) - 1, min(SAMPLE, len(block))).round().astype(np.int64)
    predicted = predict(model, block.take(rows))
    added = contributions(model, predicted)
    files = []
    with warnings.catch_warnings(action="ignore"):  # shap warns about its own imports and colours
        import shap

        explanation = shap.Explanation(
            added[:, :-1], added[:, -1], predicted.matrix, feature_names=list(model.features)
        )
        for name, draw in (("beeswarm", shap.plots.beeswarm), ("importance", shap.plots.bar)):
            draw(explanation, max_display=SHOWN, show=False)
            files.append(folder / f"{model.key.risk}-shap-{name}.png")
            plt.gcf().savefig(files[-1], dpi=120, bbox_inches="tight")
            plt.close("all")
    return files
