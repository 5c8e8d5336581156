"""What counts as JSON."""

import pytest

from serving.api.request_parsing import DEPTH, parse_strict
from serving.problems import ProblemError


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b'{"a": 1, "a": 2}', "A name occurs twice"),
        (b'[{"b": {"a": 1, "a": 1}}]', "A name occurs twice"),
        (b"NaN", "NaN is not a JSON number"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON number"),
        (b"[1e999]", "A number is too large"),
        (b"9" * 5000, "a number has too many digits"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), f"deeper than {DEPTH} levels"),
        (b'{"a":' * (DEPTH + 1) + b"1" + b"}" * (DEPTH + 1), f"deeper than {DEPTH} levels"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        (b'"\\ud800"', "unpaired surrogate"),
        (b'{"\\udfff": 1}', "unpaired surrogate"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b"{} {}", "Extra data"),
    ],
)
def test_what_two_readers_could_take_for_two_things_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(ProblemError) as refused:
        parse_strict(body)
    assert refused.value.problem.status == 400
    assert said in refused.value.problem.detail


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, -2.5e3, true, null, ""]}', {"a": [1, -2500.0, True, None, ""]}),
        (b'"\\ud83d\\ude00 \\u0000"', "\U0001f600 \0"),
        (b"[" * DEPTH + b"]" * DEPTH, [[[[[[[[]]]]]]]]),
        (b"7", 7),
    ],
)
def test_strict_json_is_read(body: bytes, value: object) -> None:
    assert parse_strict(body) == value
