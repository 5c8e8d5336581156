"""The house: what holds for every package, room, class name and import of the product."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from pathlib import Path

import grimp
import pytest

from tests.support.rooms_contract import FOR_OTHERS, ROOT, faults_of, rooms

PRODUCT = ("core", "features", "simulation", "models", "training", "serving", "foresell")
FLOOR, TINY_LINES, TINY_FILES = 12, 40, 15
GLOSSARY = ROOT / "docs" / "glossary.md"


@cache
def graph_of(*packages: str) -> grimp.ImportGraph:
    return grimp.build_graph(*packages, cache_dir=None)


def circle(graph: grimp.ImportGraph) -> list[str]:
    """Modules that import each other in a circle, the first one again at the end; empty if there is no circle."""
    try:
        TopologicalSorter({m: graph.find_modules_directly_imported_by(m) for m in graph.modules}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_import_runs_in_a_circle() -> None:
    assert circle(graph_of(*PRODUCT)) == []


def test_a_circle_through_an_import_inside_a_function_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "walked"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "first.py").write_text("from walked import second\n")
    (package / "second.py").write_text("def late():\n    from walked.first import second\n    return second\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert set(circle(graph_of("walked"))) == {"walked.first", "walked.second"}


def files(package: str) -> Iterator[Path]:
    return (path for path in sorted((ROOT / package).rglob("*.py")) if "migrations" not in path.parts)


def classes() -> Iterator[tuple[str, str]]:
    """(name, file) of every class at the top of a file."""
    for path in chain.from_iterable(map(files, PRODUCT)):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                yield node.name, path.relative_to(ROOT).as_posix()


def test_no_two_classes_have_the_same_name() -> None:
    counts = Counter(name for name, _ in classes())
    assert [(name, file) for name, file in classes() if counts[name] > 1] == []


def floor(folder: Path) -> list[str]:
    """The modules and packages that lie in a folder."""
    packages = (path.parent.name for path in folder.glob("*/__init__.py"))
    return sorted([*packages, *(path.stem for path in folder.glob("*.py") if path.stem != "__init__")])


@pytest.mark.parametrize("package", [name for name in PRODUCT if name != "simulation"])
def test_at_most_twelve_names_lie_on_a_floor(package: str) -> None:
    folders = [ROOT / package, *(ROOT / room for room in rooms(package))]
    assert [(folder.name, len(floor(folder))) for folder in folders if len(floor(folder)) > FLOOR] == []


def test_few_files_are_tiny() -> None:
    product = chain.from_iterable(map(files, PRODUCT))
    tiny = [path for path in product if path.stem != "__init__" and len(path.read_text().splitlines()) < TINY_LINES]
    assert len(tiny) <= TINY_FILES, tiny


@pytest.mark.parametrize("room", [room for package in PRODUCT for room in rooms(package)])
def test_a_room_says_what_it_is_for(room: str) -> None:
    text = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text())) or ""
    assert text.splitlines()[0].endswith(".")
    assert FOR_OTHERS.search(text)


def test_an_import_of_a_private_module_is_found() -> None:
    graph = deepcopy(graph_of(*PRODUCT))
    assert list(faults_of(graph, "models")) == []
    graph.add_import(importer="training.pipeline", imported="models.boosting.tree_text")
    assert [fault.split(",")[0] for fault in faults_of(graph, "models")] == [
        "training.pipeline imports models.boosting.tree_text"
    ]


def public_names() -> Iterator[tuple[str, str]]:
    """(name, file) of every module, and of every public class, function and constant at the top of one."""
    for path in chain.from_iterable(map(files, PRODUCT)):
        where = path.relative_to(ROOT).as_posix()
        yield path.stem if path.stem != "__init__" else path.parent.name, where
        for node in ast.parse(path.read_text()).body:
            yield from ((name, where) for name in bound(node) if not name.startswith("_"))


def bound(node: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module defines."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def words(name: str) -> set[str]:
    """The words of a name in snake or camel case, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def table(heading: str) -> list[list[str]]:
    """The rows of the glossary's table under a heading, as lists of cells."""
    part = GLOSSARY.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[2:] if not row[0].startswith(" ---")]


def test_public_names_use_the_glossary_s_words() -> None:
    unused = {word.strip("` ") for row in table("Words that we do not use in names") for word in row[0].split(",")}
    assert unused
    assert [(name, where) for name, where in public_names() if words(name) & unused] == []


def test_names_of_the_glossary_are_in_the_code() -> None:
    known = {name for name, _ in public_names()}
    named = {name for row in table("Words of the code") for name in re.findall(r"`(\w+)`", row[2])}
    assert named
    assert sorted(named - known) == []
