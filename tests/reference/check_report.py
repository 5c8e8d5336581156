"""Check a backtest report.json against docs/contract.md section 5: python check_report.py REPORT...; exit 1 and one line per fault."""
import json
import sys

SLICES = {"all", "not_yet_in_breach", "past_limit_low_volume", "low_volume", "new_sellers"}
SCORES = {"model", "current_metric", "peer_only", "shrunk_rate", "roll_forward", "roll_forward_v2", "boosting", "logistic", "truth"}
NEEDED = {"model", "current_metric", "peer_only", "shrunk_rate", "roll_forward", "logistic"}
METRICS = {"roc_auc", "average_precision", "brier", "log_loss", "calibration_slope", "calibration_intercept", "ece", "precision_at_5pct", "recall_at_5pct", "ci95"}


def faults(report: dict) -> list[str]:
    out = [f"no '{k}'" for k in ("dataset", "as_of", "horizon_days", "folds", "zero_by_volume_share", "censored", "risks", "leakage") if k not in report]
    for name, risk in report.get("risks", {}).items():
        out += [f"{name}: no '{k}'" for k in ("standard", "slices", "alerts", "expected_rate") if k not in risk]
        slices = risk.get("slices", {})
        out += [f"{name}: no slice '{s}'" for s in SLICES - set(slices)]
        for part, body in slices.items():
            where = f"{name}/{part}"
            out += [f"{where}: no '{k}'" for k in ("rows", "sellers", "base_rate", "scores") if k not in body]
            scores = body.get("scores") or {}
            if body.get("rows"):
                out += [f"{where}: no score '{s}'" for s in NEEDED - set(scores)]
            out += [f"{where}: unknown score '{s}'" for s in set(scores) - SCORES]
            for score, metrics in scores.items():
                out += [f"{where}/{score}: no '{m}'" for m in METRICS - set(metrics or METRICS)]
                for m in ("roc_auc", "average_precision", "brier"):
                    v = (metrics or {}).get(m)
                    if v is not None and not 0 <= v <= 1:
                        out.append(f"{where}/{score}: {m} = {v} is outside 0..1")
    return out


if __name__ == "__main__":
    bad = [f"{path}: {line}" for path in sys.argv[1:] for line in faults(json.load(open(path)))]
    print("\n".join(bad) or "the reports keep the contract")
    sys.exit(bool(bad))
