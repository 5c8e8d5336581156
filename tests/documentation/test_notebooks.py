"""The notebooks run from top to bottom, and come to what they say."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.paths import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def test_notebooks_are_committed_without_output() -> None:
    assert len(NOTEBOOKS) == 2
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        assert [c for c in cells if c.cell_type == "code" and (c.outputs or c.execution_count)] == [], path.name


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path) -> None:
    ran = nbformat.read(path, as_version=4)
    NotebookClient(ran, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [output for cell in ran.cells if cell.cell_type == "code" for output in cell.outputs]
    said = "".join(o.get("text", "") + str(o.get("data", {}).get("text/plain", "")) for o in outputs)
    pictures = [o for o in outputs if "image/png" in o.get("data", {})]
    if path.stem == "a_seller_and_a_model":
        assert len(pictures) == 3
        assert "in breach 28 days later" in said
    else:
        assert "blind to the future" in said
        assert "orders of the last 28 days had" in said
        assert "# Model card: Foresell" in said
