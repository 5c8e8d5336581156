"""The gates that a model must pass before it may serve, each with the figure found and the figure needed."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from scipy.stats import norm

from training.dataset.slices import HEADLINE
from training.report_schema import GroupCell, Interval, LeakageGates, PairedFigures, Report, RiskReport

SLOPE = (0.6, 1.6)  # calibration slope on the headline slice; our assumption, 1 is ideal
MISSED = 0.5  # largest calibration error (ECE) as a share of the breach rate; our assumption
MISJUDGED = 1.5  # largest factor by which a group may be over- or understated against the rest; our assumption
STALE_DAYS = 91  # a quarter, since a market's level changes from month to month; our assumption
GAP = 1e-6  # largest difference between a served log-odds and the sum of its parts (docs/contract.md section 4)


@dataclass(frozen=True)
class Gate:
    """One condition: its name, whether a model may pass it, the figure found and the figure needed.

    judged: whether the record can tell; a condition of which it cannot tell bars no model, and says so.
    """

    name: str
    passed: bool
    found: str
    needed: str
    judged: bool = True

    @property
    def verdict(self) -> str:
        """What became of it, in words."""
        return ("passed" if self.passed else "FAILED") if self.judged else "not judged"

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def line(self) -> str:
        """The gate as one sentence."""
        return f"{self.verdict}: {self.name}. Found {self.found}; needed {self.needed}."


def judge(report: Report, largest_gap: float | None = None) -> tuple[Gate, ...]:
    """Every gate on a report. largest_gap: between served log-odds and the sum of their parts (None: not measured)."""
    of_risks = [gate for risk, body in report["risks"].items() for gate in of_risk(risk, body)]
    sums = [] if largest_gap is None else [_sum(largest_gap)]
    return (*of_risks, *_leakage(report["leakage"]), *sums)


def of_risk(risk: str, body: RiskReport) -> list[Gate]:
    """The gates on one risk's part of a report."""
    part = body["slices"][HEADLINE]
    model, base = part["scores"]["model"], part["base_rate"]
    if model is None or base is None:
        return [
            Gate(
                f"{risk}: test rows of both classes",
                False,
                "one class",
                "readings with and without a later breach in the test period",
            )
        ]
    ranks, errs = (model["ci95"][f"{figure}_minus_roll_forward"] for figure in ("average_precision", "brier"))
    slope, low, high = model["calibration_slope"], *SLOPE
    ranking = Gate(f"{risk}: ranks better than the roll-forward", _above(ranks), _range(ranks), "all of it above 0")
    error = Gate(f"{risk}: errs less than the roll-forward", _below(errs), _range(errs), "all of it below 0")
    honest = slope is not None and low <= slope <= high
    meaning = Gate(f"{risk}: probabilities mean what they say", honest, _slope(slope), f"{low} to {high}")
    return [
        ranking,
        error,
        meaning,
        level(risk, model["ece"], base),
        no_group_misjudged(risk, body["groups"]),
    ]


def level(risk: str, error: float, base: float) -> Gate:
    """Whether the calibration error is small compared with the breach rate."""
    found = f"a calibration error of {error:.3f} (mean over ten groups), where {base:.3f} breach"
    needed = f"at most {MISSED * base:.3f}"
    return Gate(f"{risk}: probabilities are of the right size", error <= MISSED * base, found, needed)


def no_group_misjudged(risk: str, groups: Mapping[str, Mapping[str, GroupCell]]) -> Gate:
    """The gate names the most over- or understated group, and judges that one; cells below the minimum are not judged.

    The intervals hold for all groups together (Bonferroni), because among thirty groups one is extreme by chance.
    """
    name = f"{risk}: no group of sellers is misjudged"
    needed = f"not all of it outside {1 / MISJUDGED:.2f} to {MISJUDGED}"
    cells = {f"{by} {value}": cell for by, values in groups.items() for value, cell in values.items()}
    ends = {group: _ends(cell, len(cells)) for group, cell in cells.items() if "ci95" in cell}
    if not ends:
        return Gate(name, True, "no two groups large enough to compare", needed, judged=False)
    group = max(ends, key=lambda group: _outside(*ends[group]))
    low, high = ends[group]
    times = cells[group]["overstated"]
    found = f"of {len(ends)} groups {group} differs most: {times:.2f} times as much risk predicted as observed"
    return Gate(name, _outside(low, high) <= 0, f"{found}, relative to the rest ({low:.2f} to {high:.2f}, 95%)", needed)


def _ends(cell: GroupCell, groups: int) -> tuple[float, float]:
    spread = float(norm.ppf(1 - 0.025 / groups)) * cell["error_of_log"]
    return cell["overstated"] * math.exp(-spread), cell["overstated"] * math.exp(spread)


def _outside(low: float, high: float) -> float:
    """How far, as a logarithm, the whole interval lies outside the accepted range; negative inside it."""
    return max(math.log(low), -math.log(high)) - math.log(MISJUDGED)


def fresh(calibrated_to: date, known_to: date) -> Gate:
    """Whether the newest label that a model learned from is recent enough for scores of the day known_to."""
    age = (known_to - calibrated_to).days
    found = f"calibrated to {calibrated_to}, {age} days before {known_to}"
    return Gate("calibrated on recent labels", age <= STALE_DAYS, found, f"at most {STALE_DAYS} days")


def not_older(calibrated_to: date, champion_to: date) -> Gate:
    """Whether the model's newest label is at least as recent as the champion's."""
    found = f"calibrated to {calibrated_to}, the champion to {champion_to}"
    return Gate("calibrated no earlier than the champion", calibrated_to >= champion_to, found, "no earlier")


def not_compared(name: str, why: str) -> Gate:
    """A comparison with the champion that the record does not allow."""
    return Gate(name, True, why, "a comparison, if one is possible", judged=False)


def against(risk: str, found: PairedFigures) -> list[Gate]:
    """Challenger against champion on the same weeks, by the intervals of champion_challenger.compare."""
    if not found["ci95"]:
        name = f"{risk}: no worse than the champion"
        return [not_compared(name, "no weeks with both classes that are new to both models")]
    ranks, errs = (found["ci95"][f"{figure}_minus_champion"] for figure in ("average_precision", "brier"))
    return [
        Gate(
            f"{risk}: ranks no worse than the champion",
            ranks is not None and ranks[1] >= 0,
            _range(ranks),
            "not all of it below 0",
        ),
        errs_no_more(f"{risk}: errs no more than the champion", errs),
    ]


def errs_no_more(name: str, interval: Interval) -> Gate:
    """Whether the interval of a difference of squared errors reaches 0 or less."""
    return Gate(name, interval is not None and interval[0] <= 0, _range(interval), "not all of it above 0")


def _leakage(found: LeakageGates) -> list[Gate]:
    moved = {True: "no row moved", False: "rows moved"}
    caught, judged = found["canary_caught"], found.get("canary_judged", True)
    words = "caught" if caught else "missed" if judged else "cannot judge: nearly all labels are 0"
    return [
        Gate("rows are blind to the future", found["future_blind"], moved[found["future_blind"]], "no row to move"),
        Gate("a planted copy of the label is caught", caught or not judged, words, "caught", judged),
    ]


def _sum(gap: float) -> Gate:
    name = "base, arithmetic and reasons add up to the served log-odds"
    return Gate(name, gap <= GAP, f"off by {gap:.1e}", f"at most {GAP:g}")


def _above(interval: Interval) -> bool:
    return interval is not None and interval[0] > 0


def _below(interval: Interval) -> bool:
    return interval is not None and interval[1] < 0


def _range(interval: Interval) -> str:
    return "no interval" if interval is None else f"a difference of {interval[0]:+.3f} to {interval[1]:+.3f} (95%)"


def _slope(value: float | None) -> str:
    return "no slope" if value is None else f"slope {value:.2f}"
