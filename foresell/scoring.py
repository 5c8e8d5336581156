"""`foresell score`: the champion over every active seller, in one file."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from features.engine import connect, quoted
from features.errors import ForesellError
from features.grown import grown_blocks, is_grown
from features.ledger import Ledger, build_ledger
from features.row_blocks import RowBlocks, row_blocks
from features.settings import Settings
from features.table import FeatureTable, build_table, make_rows, plan, usable, written_sql
from foresell.console import Outcome, Say, counted, steps, table
from foresell.data import EMBEDDED, Run, in_whole, iso, last_order_day, opened, read_ledger, refuse_spark
from models.bundle import Bundle, check_catalogue, load
from models.many_contributions import ManyContributions
from models.score_file import Scorer, active, write_scores
from serving.copies import current, local_copy
from serving.refresh import refresh

if TYPE_CHECKING:
    from features.spark import Spark

SHOWN = 10


def score_sellers(data: Path, out: Path, zone: str | None, run: Run = EMBEDDED) -> Outcome:
    """Score every active seller at the last ledger day and write the scores with their reasons."""
    settings = Settings()
    if is_grown(data):
        refuse_spark(run)
    with steps() as say:
        version, bundle = champion(settings, say)
    if run.engine == "spark":
        return _score_on_spark(data, out, zone, run, version, bundle)
    with last_rows(data, zone, settings, bundle) as blocks:
        shap = ManyContributions(blocks.sellers)
        with counted("scoring") as tell:
            scorer, workers = Scorer(bundle, version, shap), os.cpu_count() or 1
            found = write_scores(scorer, active(blocks), out, lambda done: tell(done, len(blocks)), workers)
    slow = {str(key): why for key, why in shap.trouble.items()}
    return _scored(out, iso(blocks.ledger.last_day), {"slow": slow, "again": shap.again, "blocks_found": found})


def _score_on_spark(data: Path, out: Path, zone: str | None, run: Run, version: str, bundle: Bundle) -> Outcome:
    """The same on Spark: rows by the same statements, scored where they lie by the same bundle, into a folder."""
    from features.spark_intake import known_by
    from models.spark_scores import write_scores as write_on_spark

    with steps() as say, opened(run, data, zone, say) as market:
        con = cast("Spark", market.con)
        known_by(con, last_order_day(market))
        say("building the ledger")
        ledger = build_ledger(market)
        say("building the features")
        needs = plan(ledger.quantities, usable([model.standard for model in bundle.models], ledger.quantities))
        check_catalogue(bundle, needs.features)
        make_rows(con, needs, [ledger.last_day])
        say("scoring")
        rows, folder = f"{written_sql(needs)} where active = 1", local_copy(Settings().home, bundle.digest)
        in_whole(out, lambda part: write_on_spark(con, rows, needs, (folder, bundle.digest, version), part))
    return _scored(out, iso(ledger.last_day), {})


@contextmanager
def last_rows(data: Path, zone: str | None, settings: Settings, bundle: Bundle) -> Iterator[RowBlocks]:
    """Every seller's row at the last ledger day of a data folder or grown ledger, with what the bundle reads."""
    standards = [model.standard for model in bundle.models]
    with ExitStack() as until_scored, steps() as say:
        if is_grown(data):
            say("building the features")
            blocks = until_scored.enter_context(grown_blocks(data, standards))
        else:
            ledger = read_ledger(data, zone, settings, say, present=True)
            say("building the features")
            blocks = row_blocks(ledger, ledger.last_day, standards)
        check_catalogue(bundle, blocks.needs.features)
        kept = until_scored.pop_all()
    with kept:
        yield blocks


def champion(settings: Settings, say: Say) -> tuple[str, Bundle]:
    """Version and bundle of the champion: a verified local copy, brought from the registry if that answers."""
    say("fetching the champion")
    trouble = fetch(settings)
    here = current(settings.home)
    if not here:
        next_step = "foresell train DATA, then foresell promote"
        raise ForesellError("The registry must have a champion.", trouble or "no champion", next_step)
    digest = str(here["digest"])
    return str(here["version"]), load(local_copy(settings.home, digest), digest)


def fetch(settings: Settings) -> str:
    """Bring the champion here, or say what hindered it; a copy from before then serves on."""
    if nothing_trained(settings):
        return "no model has been trained yet"
    try:
        refresh(settings)
    except ForesellError:
        raise
    except Exception as error:  # whatever a registry's client raises
        return f"{type(error).__name__}: {error}"
    return ""


def nothing_trained(settings: Settings) -> bool:
    """Whether the registry is the one under home, and is not there yet."""
    return not settings.tracking_uri and not (settings.home / "mlflow.db").exists()


def last_day(ledger: Ledger, bundle: Bundle, say: Say) -> FeatureTable:
    """Every seller's row at the last ledger day, with what the bundle reads."""
    say("building the features")
    rows = build_table(ledger, [ledger.last_day], [model.standard for model in bundle.models])
    check_catalogue(bundle, rows.features)
    return rows


def _scored(out: Path, day: str, told: Mapping[str, Any]) -> Outcome:
    scores = f"read_parquet({quoted(out / '*.parquet' if out.is_dir() else out)})"
    with connect() as con:
        counts = con.execute(f"select risk, band, count(*) from {scores} group by risk, band order by risk, band")
        bands = [{"risk": risk, "band": band, "sellers": n} for risk, band, n in counts.fetchall()]
        top = con.execute(f"""select seller_id, risk, probability, band, coalesce(text_1, '') from {scores}
            order by probability desc, seller_id, risk limit {SHOWN}""").fetchall()
    rows = sum(int(count["sellers"]) for count in bands)
    data = {
        "out": str(out),
        "as_of": day if rows else None,
        "rows": rows,
        "bands": bands,
        **told,
    }
    shown = [(seller, risk, f"{probability:.0%}", band, text) for seller, risk, probability, band, text in top]
    heads = {"seller": "left", "risk": "left", "in breach in 28 days": "right", "band": "left", "first reason": "left"}
    notes = [f"{key} was explained the slow way: {why}" for key, why in told.get("slow", {}).items()]
    return Outcome(data, (table(heads, shown), *notes, f"{rows:,} scores as of {day}; written to {out}"))
