"""All texts of the pages by message id, so that a wording is changed or translated in one place.

A text names its values in braces and chooses words by number, as the reviewer's sentences do
(features.catalogue.sentences). Text put into a sentence, such as a seller's name, is isolated: a name written from
right to left turns nothing else.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from core.errors import ForesellError
from features.catalogue.sentences import fill
from serving.scoring.formats import TrustedText

CATALOGUE = Path(__file__).parent / "texts.toml"
ISOLATE, POP = "\u2068", "\u2069"
# Characters that have no shape, or that turn what stands around them; a joiner or a mark of direction may belong to a
# name and stays.
TURNING = dict.fromkeys((*range(8234, 8239), *range(8294, 8298), 65279), "�")
CONTROL = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"}
CONTROL |= dict.fromkeys((*range(128, 160), *range(55296, 57344), 65534, 65535), "�")
SHOWN = str.maketrans(TURNING | CONTROL)


def shown(text: str) -> str:
    """Foreign text as a page may hold it: control characters have a picture, and none turns its surroundings."""
    return text.translate(SHOWN)


def shown_lines(text: str) -> str:
    """The same for text of several lines."""
    return "\n".join(shown(line) for line in text.split("\n"))


def isolated(text: str) -> Markup:
    """Foreign text as HTML, apart from the direction of what stands around it."""
    return Markup("<bdi>{}</bdi>").format(shown(text))


def plain(message: str, **values: Any) -> str:
    """A message as plain text, for titles and attributes."""
    template = messages().get(message)
    if template is None:
        raise ForesellError("A message must be in the catalogue.", message, f"add it to {CATALOGUE.name}")
    return fill(template, {name: _value(value) for name, value in values.items()}) if values else template


def html(message: str, **values: Any) -> Markup:
    """A message as HTML, its foreign text in <bdi>."""
    text = str(escape(plain(message, **values)))
    return Markup(text.replace(ISOLATE, "<bdi>").replace(POP, "</bdi>"))  # noqa: S704 - escaped above


@cache
def messages() -> Mapping[str, str]:
    """The catalogue: texts by id, a table's name and a key joined by a dot."""
    found: dict[str, str] = {}
    for part in sorted(CATALOGUE.parent.glob(f"{CATALOGUE.stem}*.toml")):
        found |= dict(_flat("", tomllib.loads(part.read_text(encoding="utf-8"))))
    return found


def _flat(prefix: str, table: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        found += _flat(f"{name}.", value) if isinstance(value, dict) else [(name, value)]
    return found


def _value(value: Any) -> float | str:
    if isinstance(value, int | float | TrustedText):
        return value
    return f"{ISOLATE}{shown(str(value))}{POP}" if value else ""
