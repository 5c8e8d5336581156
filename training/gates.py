"""The gates a model passes before it may serve, each with what was found and what is needed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from training.slices import HEADLINE

SLOPE = (0.6, 1.6)  # calibration slope on the headline slice; our assumption, 1 is ideal
GAP = 1e-6  # largest difference between a served log-odds and the sum of its parts (contract.md section 4)


@dataclass(frozen=True)
class Gate:
    """One condition: what it asks, whether it holds, the figure found and the figure needed."""

    name: str
    passed: bool
    found: str
    needed: str

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def line(self) -> str:
        """The gate as people read it."""
        return f"{'passed' if self.passed else 'FAILED'}: {self.name}. Found {self.found}; needed {self.needed}."


def judge(report: Mapping[str, Any], largest_gap: float | None = None) -> tuple[Gate, ...]:
    """Every gate on a report; largest_gap is that between served log-odds and their parts (None: not measured)."""
    headline = {risk: body["slices"][HEADLINE]["scores"] for risk, body in report["risks"].items()}
    of_risks = [gate for risk, scores in headline.items() for gate in _risk(risk, scores)]
    sums = [] if largest_gap is None else [_sum(largest_gap)]
    return (*of_risks, *_leakage(report["leakage"]), *sums)


def _risk(risk: str, scores: Mapping[str, Any]) -> list[Gate]:
    model = scores["model"]
    if model is None:
        return [Gate(f"{risk}: test rows of both classes", False, "one class", "breaches and none in the test period")]
    ranks, errs = (model["ci95"][f"{figure}_minus_roll_forward"] for figure in ("average_precision", "brier"))
    slope, low, high = model["calibration_slope"], *SLOPE
    ranking = Gate(f"{risk}: ranks better than the roll-forward", _above(ranks), _range(ranks), "all of it above 0")
    error = Gate(f"{risk}: errs less than the roll-forward", _below(errs), _range(errs), "all of it below 0")
    honest = slope is not None and low <= slope <= high
    meaning = Gate(f"{risk}: probabilities mean what they say", honest, _slope(slope), f"{low} to {high}")
    return [ranking, error, meaning]


def _leakage(found: Mapping[str, Any]) -> list[Gate]:
    told = {True: "no row moved", False: "rows moved"}
    caught = {True: "caught", False: "missed"}
    return [
        Gate("rows are blind to the future", found["future_blind"], told[found["future_blind"]], "no row to move"),
        Gate("a planted copy of the label is caught", found["canary_caught"], caught[found["canary_caught"]], "caught"),
    ]


def _sum(gap: float) -> Gate:
    name = "base, arithmetic and reasons add up to what is served"
    return Gate(name, gap <= GAP, f"off by {gap:.1e}", f"at most {GAP:g}")


def _above(interval: list[float] | None) -> bool:
    return interval is not None and interval[0] > 0


def _below(interval: list[float] | None) -> bool:
    return interval is not None and interval[1] < 0


def _range(interval: list[float] | None) -> str:
    return "no interval" if interval is None else f"a difference of {interval[0]:+.3f} to {interval[1]:+.3f} (95%)"


def _slope(value: float | None) -> str:
    return "no slope" if value is None else f"slope {value:.2f}"
