"""PNG pictures beside a run: SHAP beeswarm and importance, calibration, precision at capacity."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features.block import Block
from models.bundle import Bundle
from models.risk_model import RiskModel, contributions, predict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SAMPLE = 1000  # rows in a beeswarm
SHOWN = 15  # features in it


def write(report: Mapping[str, Any], bundle: Bundle, block: Block, folder: Path) -> list[Path]:
    """PNG files in a folder: two of each headline model at the report's horizon, two of each risk of the report."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for risk, body in report["risks"].items():
        charts = {name: body["charts"][name] for name in LABELS if body["charts"][name]}
        made += [_curve(curves, name, folder / f"{risk}-{name}.png") for name, curves in charts.items()]
    for model in bundle.models:
        if not model.key.part and model.key.horizon == report["horizon_days"]:
            made += _shap(model, block, folder)
    return made


LABELS = {
    "calibration": ("probability given", "share in breach later", "Calibration, sellers not yet in breach"),
    "capacity": ("share of sellers reviewed a week", "share in breach later", "Precision at capacity"),
}


def _curve(curves: Mapping[str, list[list[float]]], name: str, path: Path) -> Path:
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
    """A figure of its own, so that no window system and no shared state is needed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5))
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _shap(model: RiskModel, block: Block, folder: Path) -> list[Path]:
    """Beeswarm and importance of the exact contributions, through shap's own plots."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    rows = np.linspace(0, len(block) - 1, min(SAMPLE, len(block))).round().astype(np.int64)
    said = predict(model, block.take(rows))
    added = contributions(model, said)
    made = []
    with warnings.catch_warnings(action="ignore"):  # shap's own, about its own imports and colours
        import shap

        told = shap.Explanation(added[:, :-1], added[:, -1], said.matrix, feature_names=list(model.features))
        for name, draw in (("beeswarm", shap.plots.beeswarm), ("importance", shap.plots.bar)):
            draw(told, max_display=SHOWN, show=False)
            made.append(folder / f"{model.key.risk}-shap-{name}.png")
            plt.gcf().savefig(made[-1], dpi=120, bbox_inches="tight")
            plt.close("all")
    return made
