"""JSON as RFC 8259 has it: one value per name, finite numbers, valid text, and no deeper than any request needs."""

import json
import math
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from serving.problems import refuse

DEPTH = 8


def parse(body: bytes) -> Any:
    """The value in the body; Refused where two readers could take it for two things."""
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        raise refuse("malformed-json", f"The body is not UTF-8 at byte {error.start}.") from None
    except json.JSONDecodeError as error:
        raise refuse("malformed-json", f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    except (RecursionError, ValueError):  # a number of thousands of digits is a ValueError
        raise refuse("malformed-json", "The body nests too deeply or holds an endless number.") from None
    _check_depth(value)
    _check_text(value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise refuse("malformed-json", "A name occurs twice in one object.")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise refuse("malformed-json", "A number is too large.")
    return number


def _no_constant(name: str) -> None:
    raise refuse("malformed-json", f"{name} is not a JSON number.")


def _check_depth(value: Any) -> None:
    """Level by level, so that nothing recurses."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEPTH):
        inner = (x for outer in level for x in (outer.values() if isinstance(outer, dict) else outer))
        level = [x for x in inner if isinstance(x, dict | list)]
        if not level:
            return
    raise refuse("malformed-json", f"The body nests deeper than {DEPTH} levels.")


def _check_text(value: Any) -> None:
    """Python takes half of a surrogate pair for text; UTF-8 cannot hold it."""
    try:
        to_json(value)
    except PydanticSerializationError:
        raise refuse("malformed-json", "A text holds half of a surrogate pair.") from None
