"""LightGBM without its scikit-learn wrappers, for processes that must be there soon."""

import sys


def without_sklearn() -> None:
    """Call before LightGBM is imported: it imports scikit-learn where it finds it, which is a third of a start."""
    sys.modules.setdefault("sklearn", None)  # type: ignore[arg-type]  # None: the import system's own way to say no
