"""Names that try to be more than text, and what a page must show of them."""

from itertools import cycle, islice

from serving.review.pages.texts import shown

SEEDS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "javascript:alert(1)",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'>",
    "{{ 7*7 }}",
    "{% raw %}",
    "{name} [optional {n}] {count|none/1/#}",
    "${alert(1)}",
    "'; DROP TABLE cases; --",
    '" OR 1=1 --',
    "1); DELETE FROM people; --",
    "%_%",
    "\\x3cscript\\x3e",
    '=HYPERLINK("http://evil.example","x")',
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "שלום עולם",
    "متجر الأحذية",
    "\u202egnp.exe",
    "a\u2066b\u2069c\u202dd",
    "abc\u200f123",
    "\u2068open",
    "👩‍👩‍👧‍👦 family",
    "🏴‍☠️",
    "é́́́́́́́",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
    "nul\x00inside",
    "\x01\x02\x1b[31mred",
    "line\nbreak",
    "\ufeffbom",
    "\u00a0",
    "&amp;lt;b&amp;gt;",
    "&lt;b&gt;",
    "&#x3C;script&#x3E;",
    "<!-- comment",
    "--> end",
    "<![CDATA[ x ]]>",
    "W" * 200,
    "ﷺ" * 20,
    "../../etc/passwd",
    "\\\\host\\share",
    "null",
    "undefined",
    "NaN",
)


def names(count: int) -> list[str]:
    """So many different ones: each seed alone, then joined with a number or another."""
    found = [*SEEDS]
    others = cycle(SEEDS)
    for number, seed in enumerate(islice(cycle(SEEDS), count - len(SEEDS))):
        found.append(f"{seed}{number}" if number < len(SEEDS) else f"{seed}{next(others)}{number}")
    return found[:count]


def as_seen(name: str) -> str:
    """What a reader sees of it: control characters as pictures, spaces as HTML joins them."""
    return " ".join(shown(name).split())
