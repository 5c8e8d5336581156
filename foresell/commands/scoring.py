"""`foresell score`: scores every active seller with the champion, into one file."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rich.console import RenderableType

from core.days import DayChoice, iso
from core.errors import ForesellError
from core.settings import Settings
from core.sql_text import quoted
from core.words import count_of
from features.engines.duckdb import connect
from features.incremental.read import incremental_blocks, is_incremental
from features.ledger.build import Ledger, build_ledger
from features.table import FeatureTable, RowBlocks, build_table, make_rows, plan, row_blocks, usable, written_sql
from foresell.commands.data import write_atomically
from foresell.commands.marketplace import (
    EMBEDDED,
    EngineChoice,
    last_order_day,
    opened,
    read_ledger,
    refuse_day,
    refuse_spark,
)
from foresell.console import CommandResult, StepReporter, counted, steps, table
from models.batch.score_file import Scorer, active, write_scores
from models.boosting.tree_shap import unfit
from models.bundle.bundle import Bundle, check_catalogue, load
from models.score import headline_models
from serving.deployment.refresh import refresh
from serving.store.bundles import current, local_copy

if TYPE_CHECKING:
    from features.engines.spark import Spark

SHOWN = 10


def score_sellers(data: Path, out: Path, days: DayChoice, run: EngineChoice = EMBEDDED) -> CommandResult:
    """Score every active seller at the last ledger day and write the scores with their reasons."""
    settings = Settings()
    if is_incremental(data):
        refuse_spark(run)
    with steps() as progress:
        version, bundle = champion(settings, progress)
    if run.engine == "spark":
        return _score_on_spark(data, out, days, run, version, bundle)
    with last_rows(data, days, settings, bundle) as blocks, counted("scoring") as update:
        scorer, workers = Scorer(bundle, version, incomplete_of(blocks.ledger)), os.cpu_count() or 1
        block_count = write_scores(scorer, active(blocks), out, lambda done: update(done, len(blocks)), workers)
    slow = {str(m.key): why for m in headline_models(bundle, scorer.horizon) if (why := unfit(m.text))}
    return _score_summary(out, blocks.ledger, {"slow": slow, "blocks_found": block_count})


def _score_on_spark(
    data: Path, out: Path, days: DayChoice, run: EngineChoice, version: str, bundle: Bundle
) -> CommandResult:
    """The same on Spark: the same SQL builds the rows, every node scores with the same bundle; out becomes a folder."""
    from features.ingest.spark_folder import known_by
    from models.batch.spark_scores import SparkModel
    from models.batch.spark_scores import write_scores as write_on_spark

    with steps() as progress, opened(run, data, days, progress) as market:
        known_by(cast("Spark", market.con), last_order_day(market))
        progress("building the ledger")
        ledger = build_ledger(market)
        con = cast("Spark", ledger.con)
        progress("building the features")
        needs = plan(ledger.quantities, usable([model.standard for model in bundle.models], ledger.quantities))
        check_catalogue(bundle, needs.features)
        tables = make_rows(con, needs, [ledger.last_day])
        progress("scoring")
        rows, folder = f"{written_sql(needs, tables)} where active = 1", local_copy(Settings().home, bundle.digest)
        model = SparkModel(folder, bundle.digest, version, incomplete_of(ledger))
        write_atomically(out, lambda part: write_on_spark(con, rows, needs, model, part))
    return _score_summary(out, ledger, {})


def incomplete_of(ledger: Ledger) -> frozenset[str]:
    """The sellers whose scores are incomplete, because intake lost too many of their rows."""
    return frozenset(seller.seller_id for seller in ledger.market.report.incomplete)


@contextmanager
def last_rows(data: Path, days: DayChoice, settings: Settings, bundle: Bundle) -> Iterator[RowBlocks]:
    """Every seller's row at the last day of a data folder or stored ledger, with the bundle's features."""
    standards = [model.standard for model in bundle.models]
    with ExitStack() as until_scored, steps() as progress:
        if is_incremental(data):
            refuse_day(days)
            progress("building the features")
            blocks = until_scored.enter_context(incremental_blocks(data, standards))
        else:
            ledger = read_ledger(data, days, settings, progress, present=True)
            progress("building the features")
            blocks = row_blocks(ledger, ledger.last_day, standards)
        check_catalogue(bundle, blocks.needs.features)
        open_blocks = until_scored.pop_all()
    with open_blocks:
        yield blocks


def champion(settings: Settings, progress: StepReporter) -> tuple[str, Bundle]:
    """Version and bundle of the champion, from the verified local copy, refreshed if the registry answers."""
    progress("fetching the champion")
    failure = refresh_copy(settings)
    local = current(settings.home)
    if not local:
        next_step = "foresell train DATA, then foresell promote"
        raise ForesellError("The registry must have a champion.", failure or "no champion", next_step)
    digest = str(local["digest"])
    return str(local["version"]), load(local_copy(settings.home, digest), digest)


def refresh_copy(settings: Settings) -> str:
    """Copy the champion from the registry; if that fails, return the reason (an older copy stays in use)."""
    if nothing_trained(settings):
        return "no model has been trained yet"
    try:
        refresh(settings)
    except ForesellError:
        raise
    except Exception as error:  # a registry's client raises many kinds
        return f"{type(error).__name__}: {error}"
    return ""


def nothing_trained(settings: Settings) -> bool:
    """Whether the registry is the local one under home and does not exist yet."""
    return not settings.tracking_uri and not (settings.home / "mlflow.db").exists()


def last_day(ledger: Ledger, bundle: Bundle, progress: StepReporter) -> FeatureTable:
    """Every seller's row at the last ledger day, with the bundle's features."""
    progress("building the features")
    rows = build_table(ledger, [ledger.last_day], [model.standard for model in bundle.models])
    check_catalogue(bundle, rows.features)
    return rows


def _score_summary(out: Path, ledger: Ledger, facts: Mapping[str, Any]) -> CommandResult:
    day, scores = iso(ledger.last_day), f"read_parquet({quoted(out / '*.parquet' if out.is_dir() else out)})"
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
        **facts,
    }
    shown = [(seller, risk, f"{probability:.0%}", band, text) for seller, risk, probability, band, text in top]
    heads = {"seller": "left", "risk": "left", "in breach in 28 days": "right", "band": "left", "first reason": "left"}
    notes = [
        f"the reasons of {key} were computed by the slower method: {why}" for key, why in facts.get("slow", {}).items()
    ]
    shown_all: tuple[RenderableType, ...] = (
        table(heads, shown),
        *notes,
        f"{count_of(rows, 'score')} as of {day}; written to {out}",
    )
    return CommandResult(data, shown_all, ledger.market.report)
