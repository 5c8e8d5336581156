"""The commands of the proof."""

import argparse
import json
import re
import shutil
import sys
import time
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from benchmarks.unchanged import __doc__ as about
from benchmarks.unchanged.parts import MORE, OLIST, PARTS, SOURCES
from benchmarks.unchanged.plain import DIGESTS, Detail, sha
from benchmarks.unchanged.product import Place

SHOWN = 15  # differences of a part that are printed


def freeze(out: Path, only: str, work: Path) -> None:
    """Every record, or one, into the file; what the file holds of others stays."""
    for name in [only] if only else SOURCES:
        made = one_record(Place(name, (work / name).resolve()))
        held = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
        out.write_text(json.dumps(held | {name: made}, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def one_record(place: Place) -> Detail:
    """Digest, detail and seconds of each part; or why there are none."""
    if place.name == "olist" and not OLIST.is_dir():
        return {"skipped": "the folder shared/data/olist is not beside the checkout"}
    shutil.rmtree(place.folder, ignore_errors=True)
    place.folder.mkdir(parents=True)
    found: Detail = {}
    for part, make in {**PARTS, **MORE.get(place.name, {})}.items():
        start = time.perf_counter()
        detail = json.loads(json.dumps(make(place)))
        seconds = round(time.perf_counter() - start, 1)
        found[part] = {"digest": sha(json.dumps(detail, sort_keys=True)), "seconds": seconds, "detail": detail}
        print(f"{place.name:16} {part:14} {found[part]['digest']} {len(detail):6} values {seconds:7.1f} s", flush=True)
    return found


def compare(before: Path, after: Path) -> bool:
    """Print each part and where it differs; whether all that was frozen before is the same after."""
    old, new = (json.loads(path.read_text(encoding="utf-8")) for path in (before, after))
    same = True
    for name, parts in old.items():
        others = new.get(name, {})
        if "skipped" in parts or "skipped" in others or not others:
            print(f"{name:16} not compared: {others.get('skipped') or parts.get('skipped') or 'not frozen after'}")
            same = same and "skipped" in parts
            continue
        for part in sorted({*parts, *others}):
            differing = list(differences(parts.get(part, {}).get("detail", {}), others.get(part, {}).get("detail", {})))
            same = same and not differing
            print(f"{name:16} {part:14} {f'{len(differing)} DIFFERENCES' if differing else 'same'}")
            print("".join(f"    {line}\n" for line in differing[:SHOWN]), end="")
    return same


def differences(old: Detail, new: Detail) -> Iterator[str]:
    """Where two details differ, in words."""
    for path in [*old, *(path for path in new if path not in old)]:
        if re.split("/|: ", path)[-1] in DIGESTS:
            continue
        before, after = old.get(path, "(not there)"), new.get(path, "(not there)")
        if isinstance(before, list) and isinstance(after, list) and before != after:
            places = [n for n, (a, b) in enumerate(zip_longest(before, after)) if a != b]
            few = slice(max(places[0] - 1, 0), places[0] + 4)
            yield f"{path}: from place {places[0]} on: {before[few]} became {after[few]}"
        elif before != after:
            yield f"{path}: {before} became {after}"


def main() -> None:
    """The two commands."""
    parser = argparse.ArgumentParser(prog="benchmarks.unchanged", description=(about or "").split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    freezing = commands.add_parser("freeze", help="run the product and write what it gives")
    freezing.add_argument("out", type=Path)
    freezing.add_argument("--only", choices=SOURCES, help="one record; the others stay as they are in OUT.json")
    freezing.add_argument("--work", type=Path, help="folder to work in; else OUT.work beside OUT.json")
    comparing = commands.add_parser("compare", help="exit code 1 where AFTER differs from BEFORE")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    asked = parser.parse_args()
    if asked.command == "freeze":
        freeze(asked.out, asked.only or "", asked.work or asked.out.with_suffix(".work"))
    elif not compare(asked.before, asked.after):
        sys.exit(1)


if __name__ == "__main__":
    main()
