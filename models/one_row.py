"""One row through one Booster by LightGBM's own call for that: what is worked out once is not worked out each time.

`Booster.predict` copies its settings, reads them as text and makes a predictor for every call, which for one row takes
several times as long as the trees do. The numbers are the same. The call is public in LightGBM's C interface; the
handle of the loaded library is not in its Python one, so where that is missing, `Booster.predict` does the work.
"""

import ctypes
import weakref
from threading import Lock

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RAW, FLOAT64 = 1, 1  # C_API_PREDICT_RAW_SCORE, C_API_DTYPE_FLOAT64
ALL_TREES = -1
LIBRARY = getattr(lgb.basic, "_LIB", None)
SINGLE = ctypes.POINTER(ctypes.c_double)


class OneRow:
    """The raw scores of rows of one width, one at a time."""

    def __init__(self, booster: lgb.Booster) -> None:
        self.booster = booster  # kept, for its trees are used
        self.width = booster.num_feature()
        self._lock = Lock()  # one row at a time in the places below, and in what the library made
        self._row, self._out = np.empty(self.width), np.empty(1)
        self._count = ctypes.c_int64(0)
        self._made = _made(booster, self.width) if LIBRARY else None
        places = ctypes.c_void_p(self._row.ctypes.data), ctypes.byref(self._count), self._out.ctypes.data_as(SINGLE)
        self._arguments = (self._made, *places)
        if LIBRARY and self._made:
            weakref.finalize(self, LIBRARY.LGBM_FastConfigFree, self._made)

    def __call__(self, row: Array) -> float:
        """Of a row of shape (features,)."""
        if len(row) != self.width:
            raise ValueError(f"A row of {self.width} features was expected, not of {len(row)}.")
        if not (LIBRARY and self._made):
            return float(np.asarray(self.booster.predict(row[None], num_threads=1, raw_score=True)).item())
        with self._lock:
            self._row[:] = row
            failed = LIBRARY.LGBM_BoosterPredictForMatSingleRowFast(*self._arguments)
            if failed or self._count.value != 1:
                raise RuntimeError("LightGBM did not score the row.")
            return self._out.item()


def _made(booster: lgb.Booster, width: int) -> ctypes.c_void_p | None:
    """What the library works out once; None where it does not."""
    handle, made = getattr(booster, "_handle", None), ctypes.c_void_p()
    if LIBRARY is None or handle is None:
        return None
    failed = LIBRARY.LGBM_BoosterPredictForMatSingleRowFastInit(
        handle, RAW, 0, ALL_TREES, FLOAT64, ctypes.c_int32(width), b"num_threads=1", ctypes.byref(made)
    )
    return None if failed else made
