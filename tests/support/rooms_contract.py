"""An import-linter contract: what a package keeps private is imported by nobody outside it.

A package says in its `__init__.py` which of its modules others may import, in a line `For others: a, b.`; every
module that the line leaves out is private. `lint-imports` reads the contract from pyproject.toml.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

ROOT = Path(__file__).resolve().parents[2]
FOR_OTHERS = re.compile(r"^For others: (?P<modules>[^.]+)\.", re.MULTILINE)


class RoomsContract(Contract):
    """Each import from outside a package names a module that the package publishes."""

    type_name = "rooms"
    packages: Any = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Broken where an import reaches a private module, or where a package does not say what is for others."""
        faults = [fault for package in self.packages for fault in faults_of(graph, str(package))]
        return ContractCheck(kept=not faults, metadata={"faults": sorted(faults)})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line a fault."""
        for fault in check.metadata["faults"]:
            output.print_error(fault)


def faults_of(graph: ImportGraph, top: str) -> Iterator[str]:
    """What is wrong with the rooms of one top-level package."""
    for room in rooms(top):
        published = for_others(room)
        if published is None:
            yield f"{room}/__init__.py does not say which modules are for others (a line `For others: ...`)"
            continue
        name = room.replace("/", ".")
        children = {child.removeprefix(f"{name}.") for child in graph.find_children(name)}
        yield from (f"{room}/__init__.py publishes {module}, which is not there" for module in published - children)
        yield from (
            f"{importer} imports {imported}, which {name} keeps private"
            for private in children - published
            for importer, imported in imports_from_outside(graph, name, f"{name}.{private}")
        )


def rooms(top: str) -> list[str]:
    """Every package below a top-level package, as a path with slashes."""
    found = (path.parent.relative_to(ROOT).as_posix() for path in (ROOT / top).rglob("__init__.py"))
    return sorted(room for room in found if room != top and "migrations" not in room)


def for_others(room: str) -> set[str] | None:
    """The modules that a package publishes; None where its docstring does not say."""
    text = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text())) or ""
    line = FOR_OTHERS.search(text)
    return None if line is None else {part.strip() for part in line["modules"].split(",")} - {"nothing"}


def imports_from_outside(graph: ImportGraph, room: str, private: str) -> Iterator[tuple[str, str]]:
    """(importer, imported) for every import of a private module, or of what is in it, from outside the room."""
    for imported in {private, *graph.find_descendants(private)}:
        for importer in graph.find_modules_that_directly_import(imported):
            if not f"{importer}.".startswith(f"{room}."):
                yield importer, imported
