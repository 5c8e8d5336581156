"""Every generated page under docs/ and the README's tables: `make docs`."""

import ast
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from core.errors import ForesellError
from core.markdown import markdown
from core.settings import Settings
from docs.build.features_page import features_page
from docs.build.one_order import one_order
from docs.build.reliability import reliability_page
from docs.build.results import benchmarks_page, model_card, readme_table
from docs.build.review_pages import review_pages
from docs.build.scale_page import scale_page
from docs.build.sql_pages import FOLDER, sql_pages
from features.importing.mapping import ColumnMapping, NumberForm, SourceMapping, TableMapping
from features.ingest.contract import TABLES, Column, Table
from features.ledger.quantities import QUANTITIES
from features.standards.load import load, presets
from features.standards.standard import Standard, StandardsFile
from serving.api.routes import ROUTES
from serving.api.routing import Route
from serving.database.api_keys import ROLES
from serving.problems import KINDS
from serving.review.web.settings import ReviewSettings
from simulation.parameters import load as simulated
from simulation.parameters import sources as rates_with_sources
from simulation.rates import Cause

ROOT = Path(__file__).resolve().parents[2]
MARK, END = "<!-- written by make docs: {} -->", "<!-- end -->"


def write_pages(root: Path = ROOT) -> None:
    """Write every generated page of the checkout at root."""
    written = pages(root)
    for old in {*(root / FOLDER).glob("*")} - {root / name for name in written}:
        old.unlink()
    for name, text in written.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def pages(root: Path = ROOT) -> Mapping[str, str]:
    """Every generated page by its path in the checkout."""
    results = root / "benchmarks" / "results"
    return {
        "docs/data.md": data_page(),
        "docs/features.md": features_page(),
        "docs/review-pages.md": review_pages(),
        "docs/standards.md": standards_page(),
        "docs/benchmarks.md": benchmarks_page(results),
        "docs/model-card.md": model_card(results),
        "docs/reliability.md": reliability_page(results),
        "docs/scale.md": scale_page(results),
        "README.md": readme(root),
        "docs/architecture.md": architecture(root),
        "docs/api.md": api_page(root / "docs" / "api.md"),
        "docs/simulation.md": filled(root / "docs" / "simulation.md", "simulation", simulation_tables()),
        "docs/import.md": import_page(root / "docs" / "import.md"),
        "docs/operator.md": filled(root / "docs" / "operator.md", "settings", settings_table()),
        **sql_pages(),
    }


def import_page(page: Path) -> str:
    """The hand-written page with the words of a mapping."""
    text = page.read_text(encoding="utf-8")
    kinds: list[type[BaseModel]] = [SourceMapping, TableMapping, ColumnMapping, NumberForm]
    for name, kind in zip(("mapping", "mapping table", "mapping column", "mapping number"), kinds, strict=True):
        fields = [(field.alias or key, field.description) for key, field in kind.model_fields.items()]
        rows = [[f"`{key}`", _sentence(said)] for key, said in fields if said]
        text = filled_text(text, page, name, markdown(["word", "meaning"], rows))
    return text


def readme(root: Path) -> str:
    """The hand-written README with its tables of results and of packages."""
    page = root / "README.md"
    return filled_text(
        filled(page, "results", readme_table(root / "benchmarks" / "results")), page, "packages", packages_table(root)
    )


def architecture(root: Path) -> str:
    """The hand-written page with one order followed through the tables, and the table of rooms."""
    page = root / "docs" / "architecture.md"
    text = page.read_text(encoding="utf-8")
    for name, table in {**one_order(), "rooms": rooms_table(root)}.items():
        text = filled_text(text, page, name, table)
    return text


def rooms_table(root: Path) -> str:
    """Every room below the packages with the first line of its docstring."""
    rooms = [path.parent for package in packages(root) for path in sorted((root / package).glob("*/__init__.py"))]
    lines = [[f"`{room.relative_to(root).as_posix()}`", _first_line(room)] for room in rooms]
    return markdown(["room", "what it is for"], lines)


def packages_table(root: Path) -> str:
    """Every package of the wheel with the first line of its docstring, in the order of pyproject.toml."""
    return markdown(["package", "what it holds"], [[f"`{name}`", _first_line(root / name)] for name in packages(root)])


def packages(root: Path) -> list[str]:
    """The packages of the wheel, the lowest first."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[str] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return found


def _first_line(package: Path) -> str:
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    if not text:
        raise ForesellError(
            "A package must say in its first line what it holds.", f"{package}/__init__.py without", "add a docstring"
        )
    return text.splitlines()[0]


def filled(page: Path, name: str, content: str) -> str:
    """A hand-written page with the content between the marks of that name."""
    return filled_text(page.read_text(encoding="utf-8"), page, name, content)


def filled_text(text: str, page: Path, name: str, content: str) -> str:
    """The same for the text of a page."""
    start = MARK.format(name)
    before, _, rest = text.partition(start)
    _, end, after = rest.partition(END)
    if not end:
        raise ForesellError(
            "A page must hold the marks that its table goes between.", f"{page} without {start}", "add them"
        )
    return f"{before}{start}\n{content}\n{END}{after}"


def api_page(page: Path) -> str:
    """The hand-written page with its tables of routes and of problems."""
    return filled_text(filled(page, "routes", routes_table()), page, "problems", problems_table())


def routes_table() -> str:
    """Every route, who may call it, and what it does."""
    rows = [[f"`{r.method} {r.path}`", _who(r), r.summary] for r in ROUTES.all]
    return markdown(["route", "key of a role", "what"], rows)


def _who(route: Route) -> str:
    if route.probe:
        return "no key"
    return "any" if set(ROLES) <= route.roles else ", ".join(r for r in ROLES if r in route.roles or r == "admin")


def settings_table() -> str:
    """Every setting with its environment variable and default."""
    rows = [
        [f"`{kind.model_config['env_prefix']}{name.upper()}`", f"`{field.default}`", _sentence(field.description or "")]
        for kind in (Settings, ReviewSettings)
        for name, field in kind.model_fields.items()
    ]
    return markdown(["variable", "default", "meaning"], rows)


def problems_table() -> str:
    """Every kind of problem that the API answers with."""
    rows = [[str(status), f"`/problems/{kind}`", title] for kind, (status, title) in KINDS.items()]
    return markdown(["status", "type", "when"], rows)


def simulation_tables() -> str:
    """The simulated causes, each with the feature family that should name it, and every rate with its source."""
    causes = [[f"`{c.name}`", c.happens, *_named_by(c), _often(c)] for c in simulated().causes]
    heads = ["cause", "what happens", "family for returns", "family for service", "how often, how long, how bad"]
    rates = [[section, f"`{name}`", _plain(value), source] for section, name, value, source in rates_with_sources()]
    return f"{markdown(heads, causes)}\n\n{markdown(['of', 'rate', 'value', 'source'], rates)}"


def _named_by(cause: Cause) -> list[str]:
    return [f"`{cause.families[risk]}`" if risk in cause.families else "not raised" for risk in ("returns", "service")]


def _often(cause: Cause) -> str:
    days, severity = ("{} to {}".format(*limits) for limits in (cause.days, cause.severity))
    return f"{cause.per_year} a year; {days} days; {cause.measures}: {severity} ({cause.source})"


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def data_page() -> str:
    """The data contract's tables and the ledger's quantities."""
    parts = [
        "# The data a marketplace hands over",
        "Written by `make docs` from `features/ingest/contract.py` and `features/ledger/quantities.py`.",
        "The data is a folder with one Parquet or CSV file for each table (`orders.parquet`, `orders.csv`), or one "
        "folder of files for each (`orders/*.parquet`). `orders` and `sellers` are required. If another table or "
        "column is missing, the features, standards and risks that need it are unavailable; they are never zero.",
        "Times have a time zone. If the times of a source have none, a file `source.toml` beside the tables must name "
        "the zone; otherwise such times are refused:",
        '```toml\nname = "my-market"                  # name of the data set in reports\n'
        'zone = "America/New_York"           # time zone of the calendar days\n'
        'times_zone = "America/New_York"     # time zone of the times that have none\n```',
        "Two things a source may have to say of a table. Deadlines whose times are all midnights are refused until it "
        "is said whether they mean the day or the moment; and exports that repeat rows need an order of versions:",
        '```toml\n[orders]\ndate_only = ["promised_at"]   # the day; [] means midnight itself\n'
        'recorded_at = "file name"         # or "file time", or "column NAME"\n```',
        "What has another form than this is converted by `foresell import` ([import.md](import.md)).",
        "A row that breaks a rule goes to quarantine, with its file, row, column, rule and value. The run stops when "
        "more than 1% of the rows of a table are there. Duplicate rows are used once, and the report says how many "
        "there are.",
        "A table may have a column `recorded_at`. A changed row is then a new version of the row with the same key, "
        "and a score for an earlier day never uses it.",
        *(_contract_table(table) for table in TABLES.values()),
        "# The ledger",
        "The ledger has, for each seller and day, what became known that day. Every feature, standard and label is "
        "computed from sums of these quantities over a window of days. [docs/sql](sql/README.md) shows the SQL "
        "statements that build it.",
        _quantities(),
    ]
    return _joined(parts)


def _contract_table(table: Table) -> str:
    head = f"## {table.name}{' (required)' if table.required else ''}"
    key = f"Key: {', '.join(f'`{name}`' for name in table.key)}."
    rows = [[f"`{c.name}`", _kind(c), "yes" if c.required else "", _sentence(c.doc)] for c in table.columns]
    return _joined([head, key, markdown(["column", "type", "required", "meaning"], rows)]).rstrip()


def _kind(column: Column) -> str:
    kinds = {"choice": ", ".join(column.choices), "whole": "whole number", "share": "0 to 1", "money": "amount >= 0"}
    return kinds.get(column.kind, column.kind.replace("_", " "))


def _quantities() -> str:
    rows = [
        [f"`{q.name}`", q.unit, q.meaning, q.falls_on, ", ".join(f"`{n}`" for n in q.needs) or "-"] for q in QUANTITIES
    ]
    return markdown(["quantity", "unit", "counts", "falls on", "needs"], rows)


def standards_page() -> str:
    """The built-in standards and presets, and how to write one's own."""
    parts = [
        "# Standards",
        "Written by `make docs` from `features/standards/standards.toml` and `features/standards/presets`.",
        "A standard is a rate of ledger quantities over a window of days, with a limit. A seller is in breach when the "
        "rate is past the limit and the window has the minimum volume (and the minimum number of events, if the "
        "standard has one). Numerator and denominator both count what became known in the window, so a rate can be "
        "above 1. The quantities are listed in [data.md](data.md).",
        "## Built in (used without `--standards`)",
        _standards_table(load()),
        "# Presets",
        "Presets are the standards of other marketplaces, used with `--standards preset:NAME`. The column *source* "
        "says where a preset differs from the marketplace's own rule. Below each preset is a list of what it cannot "
        "express.",
        *(_preset(name, load(f"preset:{name}")) for name in presets()),
        "## Your own",
        "A file for `--standards FILE` has one or more tables like this one, the built-in return rate:",
        f"```toml\n{_example(load().standards[0])}\n```",
        "- `comparator` says which side of the limit is good.\n"
        "- `complement = true` makes the rate 1 - numerator / denominator, as for on-time delivery.\n"
        "- `warn_limit` and `minimum_events` are optional.\n"
        "- A risk is reported if one standard is its `headline`. The standards with a `part` are scored too.\n"
        "- `[[unavailable]]` entries (`metric`, `reason`) record metrics of a marketplace that the contract cannot "
        "express.\n"
        "- An optional `[backtest]` table sets the days of a backtest (`benchmarks/flights.toml` has one).",
    ]
    return _joined(parts)


def _preset(name: str, file: StandardsFile) -> str:
    lacking = [f"- {u.metric}: {u.reason}." for u in file.unavailable]
    parts = [f"## preset:{name}", _standards_table(file)]
    return "\n\n".join([*parts, "Not available here:", "\n".join(lacking)] if lacking else parts)


def _standards_table(file: StandardsFile) -> str:
    heads = ["standard", "version", "risk", "rate", "window", "limit", "minimum volume", "source", "evidence"]
    return markdown(heads, [_standard_row(s) for s in file.standards])


def _standard_row(s: Standard) -> list[str]:
    role = f"{s.risk}, headline" if s.headline else f"{s.risk}: {s.part}" if s.part else s.risk
    limit = f"{s.comparator} {float(100 * s.limit):g}%"
    limit += f" (warned at {float(100 * s.warn_limit):g}%)" if s.warn_limit else ""
    volume = f"{s.minimum_volume}" + (f", {s.minimum_events} events" if s.minimum_events else "")
    return [s.title, s.version, role, _rate(s), f"{s.window_days} days", limit, volume, s.source, s.evidence]


def _rate(s: Standard) -> str:
    rate = f"{_sum(s.numerator)} / {_sum(s.denominator)}"
    return f"`1 - {rate}`" if s.complement else f"`{rate}`"


def _sum(quantities: Sequence[str]) -> str:
    return quantities[0] if len(quantities) == 1 else f"({' + '.join(quantities)})"


def _example(s: Standard) -> str:
    return "\n".join(["[[standard]]", *(f"{name} = {_toml(value)}" for name, value in s.as_json().items())])


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case str() if not re.fullmatch(r"\d+\.\d+", value):
            return f'"{value}"'
    return str(value)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"
