"""The names and types of report.json (docs/contract.md section 5), for code that writes or reads a report.

Figures that JSON cannot hold (nan) are None. Keys stay in the order in which they are written.
"""

from typing import Any, Literal, NotRequired, TypedDict

Interval = list[float] | None  # the ends of a 95% interval; None where no replicate had a value
MetricName = Literal[
    "roc_auc",
    "average_precision",
    "brier",
    "log_loss",
    "calibration_slope",
    "calibration_intercept",
    "ece",
    "precision_at_5pct",
    "recall_at_5pct",
]
AlertFigureName = Literal[
    "capacity_per_week",
    "alerts",
    "precision",
    "recall",
    "money_recall",
    "median_lead_time_days",
    "share_with_7_days",
    "share_with_14_days",
    "repeat_alert_rate",
    "alerts_per_reviewer_day",
]


class MetricFigures(TypedDict):
    """How good one score is on one slice."""

    roc_auc: float
    average_precision: float
    brier: float
    log_loss: float
    calibration_slope: float | None
    calibration_intercept: float | None
    ece: float
    precision_at_5pct: float
    recall_at_5pct: float


class ScoreFigures(MetricFigures):
    """The means over a score's seeds, with intervals over sellers and over time by the names of `intervals.ci95`."""

    seeds: NotRequired[dict[str, list[float]]]
    average_precision_mean_of_folds: NotRequired[float | None]
    ci95: NotRequired[dict[str, Interval]]
    ci95_time: NotRequired[dict[str, Interval]]


class SliceFigures(TypedDict):
    """Every score on one slice; None where the slice holds one class only."""

    rows: int
    sellers: int
    base_rate: float | None
    scores: dict[str, ScoreFigures | None]


class RankAndError(TypedDict):
    """The two main figures of a score: ranking and error."""

    average_precision: float
    brier: float


class Gain(TypedDict):
    """The model's figure minus a reference's, overall and for each draw of sellers."""

    difference: float
    draws: list[float]


class GroupSize(TypedDict):
    """The size of a cell of sellers."""

    rows: int
    sellers: int


class GroupCell(GroupSize, total=False):
    """A cell of sellers; below the minimum size it has its size only."""

    breach_share: float | None
    mean_probability: float | None
    overstated: float
    false_alarms: float | None
    found: float | None
    error_of_log: float
    ci95: dict[str, Interval]


class RankingAlerts(TypedDict):
    """Figures of one ranking's alerts at a capacity."""

    capacity_per_week: float | None
    alerts: float | None
    precision: float | None
    recall: float | None
    money_recall: float | None
    median_lead_time_days: float | None
    share_with_7_days: float | None
    share_with_14_days: float | None
    repeat_alert_rate: float | None
    alerts_per_reviewer_day: float | None


class DisruptionFigures(TypedDict):
    """Alerts of sellers while their carrier was slow, and of the same sellers and days without the slow carrier."""

    alerts: int
    without: int


class AlertFigures(RankingAlerts):
    """The model's alerts, and those of each other ranking by its name."""

    capacity_share: float
    roll_forward: NotRequired[RankingAlerts]
    peer_only: NotRequired[RankingAlerts]
    current_metric: NotRequired[RankingAlerts]
    early: NotRequired[RankingAlerts]
    truth: NotRequired[RankingAlerts]
    truth_early: NotRequired[RankingAlerts]
    truth_begun: NotRequired[RankingAlerts]
    truth_today: NotRequired[RankingAlerts]
    warn_line: RankingAlerts
    best_reachable: RankingAlerts
    disruption: NotRequired[DisruptionFigures]
    disruption_truth: NotRequired[DisruptionFigures]


class CoverageBand(TypedDict):
    """Coverage of the expected rate's interval where the volume lies in one band."""

    from_volume: int
    rows: int
    sellers: int
    interval_90_coverage_midp: float | None


class ExpectedRateFigures(TypedDict):
    """The error of the expected rate, and the coverage of its interval."""

    rows: int
    mae: float | None
    interval_90_coverage: float | None
    interval_90_coverage_midp: float | None
    bands: list[CoverageBand]
    spread: dict[str, float]


class Charts(TypedDict):
    """By score: triples of rows, mean score and share in breach; pairs of capacity and share in breach."""

    calibration: dict[str, list[list[float]]]
    capacity: dict[str, list[list[float]]]


class SharedReasons(TypedDict):
    """The share of pairs of explanations that name the same reasons."""

    pairs: int
    share: float | None


class NextWeekReasons(SharedReasons):
    """Shares for sellers without a new bad event in the week between, and for the others."""

    with_new_events: SharedReasons


class RetrainedReasons(TypedDict):
    """How often models retrained on resampled sellers name the same reasons."""

    rows: int
    models: NotRequired[int]
    share: float | None


class DeletionFigures(TypedDict):
    """How much the log-odds fall without the top reason's features, and without those of a random family."""

    rows: int
    top_reason: float | None
    random: float | None
    share_above_random: float | None


class ReasonStability(TypedDict, total=False):
    """Reason stability; empty where the model reads no feature family."""

    next_week: NextWeekReasons
    retrained: RetrainedReasons
    deletion: DeletionFigures


class TopReasonShares(TypedDict):
    """Shares of alerts whose top reason, or one of the top three, names the family of the true cause."""

    top_reason_share: float | None
    top3_reason_share: float | None


class CauseFigures(TopReasonShares):
    """The same with the number of alerts."""

    alerts: int


class ReasonFigures(CauseFigures):
    """The same over all causes, by cause, and for reasons chosen at random."""

    guess: TopReasonShares
    by_cause: dict[str, CauseFigures]
    confusion: dict[str, dict[str, int]]


class RankingDetection(TypedDict):
    """The share of episodes that enter one ranking's queue before the breach, and the days until then."""

    detected: float | None
    median_days: float | None


class DetectionFigures(TypedDict):
    """Episodes that end in a breach, and how soon they enter each ranking's queue."""

    episodes: int
    model: RankingDetection
    roll_forward: RankingDetection
    current_metric: RankingDetection
    peer_only: RankingDetection
    warn_line: RankingDetection


class LimitFigures(MetricFigures):
    """What a forecaster who knows true rates reaches, and the share of that gain that the model reaches."""

    reached: dict[str, float]


class ProbabilityBand(TypedDict):
    """Coverage of the probability's interval where the volume lies in one band."""

    from_volume: int
    rows: int
    sellers: int
    coverage: float | None


class ProbabilityIntervalFigures(TypedDict, total=False):
    """Coverage of the probability's interval; empty where the simulation has no true probability of the standard."""

    interval_90_coverage: float | None
    bands: list[ProbabilityBand]


class ExtraFigures(TypedDict, total=False):
    """Extra parts of a report, where the truth is known."""

    reasons: ReasonFigures
    detection: DetectionFigures
    truth_gap_closed: dict[str, float]
    limits: dict[str, LimitFigures]
    probability_interval: ProbabilityIntervalFigures


class GivenTrees(TypedDict, total=False):
    """Tree settings that a backtest was given."""

    trees: dict[str, int | float]


class RiskReport(ExtraFigures, GivenTrees):
    """All figures of one risk."""

    standard: dict[str, Any]
    failure_parts: list[str]
    train_rows: int
    treated: int
    features: list[str]
    learning_rate: float
    rounds: int
    roll_forward_v2: dict[str, float]
    boosting_of_other_sizes: dict[str, RankAndError]
    zero_by_volume_share: float
    slices: dict[str, SliceFigures]
    groups: dict[str, dict[str, GroupCell]]
    gain_over_boosting: dict[str, Gain]
    alerts: AlertFigures
    operating_points: list[AlertFigures]
    expected_rate: ExpectedRateFigures
    charts: Charts
    reasons_held: ReasonStability


class ShuffledLabelAuc(TypedDict):
    """The AUC of trees that were trained on shuffled labels: mean and standard deviation over the shuffles."""

    mean: float | None
    sd: float | None


class LeakageGates(TypedDict):
    """Whether rows are independent of the future, and whether a planted copy of the label is detected."""

    future_blind: bool
    canary_caught: bool
    canary_judged: NotRequired[bool]


class LeakageFigures(LeakageGates):
    """The same, with the AUC of shuffled labels: for the first risk, and by risk."""

    shuffled_label_auc: ShuffledLabelAuc
    shuffled_label_auc_by_risk: dict[str, ShuffledLabelAuc]


class ReportFacts(TypedDict):
    """What was tested, and on which days. intake: what became of the rows read (IntakeReport.as_json)."""

    dataset: str
    intake: dict[str, Any]
    as_of: list[str]
    test_from: str
    horizon_days: int
    folds: int
    seeds: list[int]
    zero_by_volume_share: float
    censored: int


class Report(ReportFacts):
    """The report of a backtest."""

    risks: dict[str, RiskReport]
    leakage: LeakageFigures
    not_learned: dict[str, str]  # the risks of which nothing is learned, and why


class RiskPart(TypedDict):
    """The part of a report about one risk."""

    body: RiskReport
    shuffled_label_auc: ShuffledLabelAuc


class SwapSide(TypedDict):
    """Readings that enter, or leave, the queue."""

    readings: int
    breach_share: float | None
    at_stake: float


class SwapSides(TypedDict):
    """Both sides."""

    enter: SwapSide
    leave: SwapSide


class SwapWeeks(TypedDict):
    """Both sides over some weeks, in total and by group."""

    weeks: int
    kept: int
    enter: SwapSide
    leave: SwapSide
    by: dict[str, dict[str, SwapSides]]


class SwapSeller(TypedDict):
    """A seller who enters or leaves the newest week's queue."""

    seller_id: str
    challenger: float
    champion: float
    at_stake: float


class NewestSwap(TypedDict):
    """Who enters and who leaves the newest week's queue."""

    enter: list[SwapSeller]
    leave: list[SwapSeller]


class SwapSet(TypedDict):
    """How the queue changes if another model serves."""

    weeks: SwapWeeks
    newest: NewestSwap


class PairedFigures(TypedDict):
    """Challenger and champion on the same rows; no figures where the rows hold one class only."""

    rows: int
    sellers: int
    as_of: list[int]
    challenger: NotRequired[RankAndError]
    champion: NotRequired[RankAndError]
    ci95: dict[str, Interval]


class RiskComparison(PairedFigures):
    """The same with the changes in the queue."""

    swap: SwapSet


class ComparedVersion(TypedDict):
    """Which version was compared."""

    version: str
    digest: str


class Comparison(TypedDict, total=False):
    """Challenger beside champion; empty where there was no champion."""

    challenger: ComparedVersion
    champion: ComparedVersion
    risks: dict[str, RiskComparison]


class LineComparison(TypedDict):
    """The calibration before and after a refresh, on later weeks."""

    rows: int
    breach_share: float
    ece_before: float
    ece: float
    ci95: dict[str, Interval]
