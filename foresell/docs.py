"""The generated pages under docs/ and the README's table: `python -m foresell.docs`, or `make docs`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from features.contract import TABLES, Column, Table
from features.errors import ForesellError
from features.quantities import QUANTITIES
from features.settings import Settings
from features.standards import Standard, StandardsFile
from features.standards_file import load, presets
from foresell.features_page import features_page
from foresell.reliability import reliability_page
from foresell.results import benchmarks_page, model_card, readme_table
from foresell.review_pages import review_pages
from foresell.scale_page import scale_page
from serving.problems import KINDS
from serving.review.settings import ReviewSettings
from serving.routes import ROLES, Route
from serving.table import ROUTES
from simulation.parameters import load as simulated
from simulation.parameters import sources as rates_with_sources
from simulation.rates import Cause
from training.markdown import markdown

ROOT = Path(__file__).resolve().parents[1]
MARK, END = "<!-- written by make docs: {} -->", "<!-- end -->"


def write_pages(root: Path = ROOT) -> None:
    """Write every generated page of the checkout at root."""
    for name, text in pages(root).items():
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
        "README.md": filled(root / "README.md", "results", readme_table(results)),
        "docs/api.md": api_page(root / "docs" / "api.md"),
        "docs/simulation.md": filled(root / "docs" / "simulation.md", "simulation", simulation_tables()),
        "docs/operator.md": filled(root / "docs" / "operator.md", "settings", settings_table()),
    }


def filled(page: Path, name: str, content: str) -> str:
    """A hand-written page with the content between the marks of that name."""
    return filled_text(page.read_text(encoding="utf-8"), page, name, content)


def filled_text(text: str, page: Path, name: str, content: str) -> str:
    """The same of a page's text."""
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
    """Every route, who may ask, and what for."""
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
    """The simulated causes with the feature family that should name each, and every rate with its source."""
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
        "Written by `make docs` from `features/contract.py` and `features/quantities.py`.",
        "A folder with one Parquet or CSV file for each table (`orders.parquet`, `orders.csv`), or a folder of files "
        "(`orders/*.parquet`). `orders` and `sellers` are required. What else is missing makes the features, standards "
        "and risks that need it unavailable, never zero.",
        "Times carry a zone. A source whose times are naive says which zone it means in a `source.toml` beside the "
        "tables; otherwise naive times are refused:",
        '```toml\nname = "my-market"                  # name of the data set in reports\n'
        'zone = "America/New_York"           # whose calendar days count\n'
        'times_zone = "America/New_York"     # zone in which times without one are meant\n```',
        "A row that breaks a rule goes to quarantine with its file, row, column, rule and value. The run stops when "
        "more than 1% of a table is there. Duplicates count once, and are counted.",
        "A table may carry `recorded_at`. A changed row is then a new version of its key, and a score of an earlier "
        "day never sees it.",
        *(_contract_table(table) for table in TABLES.values()),
        "# The ledger",
        "Per seller and day, what became known that day. Every feature, standard and label is a sum of these "
        "quantities over a window of days.",
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
        "Written by `make docs` from `features/standards.toml` and `features/presets`.",
        "A standard is a rate of ledger quantities over a window of days, and the limit it must keep. A seller is in "
        "breach when the rate is past the limit and the window holds the minimum volume (and the minimum events, where "
        "there are any). The rate is what became known in the window over what became known in the window; it may "
        "exceed 1. The quantities are listed in [data.md](data.md).",
        "## Built in (used without `--standards`)",
        _standards_table(load()),
        "# Presets",
        "Other marketplaces' standards, each used by `--standards preset:NAME`. A preset says under *source* where it "
        "departs from the marketplace's own words, and lists what it cannot express.",
        *(_preset(name, load(f"preset:{name}")) for name in presets()),
        "## Your own",
        "A file for `--standards FILE` holds one or more tables like this, the built-in return rate:",
        f"```toml\n{_example(load().standards[0])}\n```",
        "`comparator` says what is good. `complement = true` makes the rate 1 - numerator / denominator, as for "
        "on-time delivery. `warn_limit` and `minimum_events` are optional. A risk is reported when one standard is its "
        "`headline`; the standards with a `part` are scored beside it. `[[unavailable]]` entries (`metric`, `reason`) "
        "record what a marketplace has and the contract cannot express. An optional `[backtest]` table says when a "
        "backtest looks (`benchmarks/flights.toml` has one).",
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


if __name__ == "__main__":
    write_pages()
