"""Score one row with LightGBM's call for a single row, which prepares its settings once.

`Booster.predict` copies its settings, parses them and makes a predictor in every call. For one row that takes several
times as long as the trees. The results are the same. The call is public in LightGBM's C interface, but the handle of
the loaded library is not public in its Python interface; without the handle, `Booster.predict` is used.
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
    """Computes the raw scores of a Booster, one row at a time."""

    def __init__(self, booster: lgb.Booster) -> None:
        self.booster = booster  # a reference, so that its trees stay in memory
        self.width = booster.num_feature()
        self._lock = Lock()  # the buffers below and the prepared settings serve one row at a time
        self._row, self._out = np.empty(self.width), np.empty(1)
        self._count = ctypes.c_int64(0)
        self._config = _single_row_config(booster, self.width) if LIBRARY else None
        places = ctypes.c_void_p(self._row.ctypes.data), ctypes.byref(self._count), self._out.ctypes.data_as(SINGLE)
        self._arguments = (self._config, *places)
        if LIBRARY and self._config:
            weakref.finalize(self, LIBRARY.LGBM_FastConfigFree, self._config)

    def __call__(self, row: Array) -> float:
        """The raw score of a row of shape (features,)."""
        if len(row) != self.width:
            raise ValueError(f"A row of {self.width} features was expected, not of {len(row)}.")
        if not (LIBRARY and self._config):
            return float(np.asarray(self.booster.predict(row[None], num_threads=1, raw_score=True)).item())
        with self._lock:
            self._row[:] = row
            failed = LIBRARY.LGBM_BoosterPredictForMatSingleRowFast(*self._arguments)
            if failed or self._count.value != 1:
                raise RuntimeError("LightGBM did not score the row.")
            return self._out.item()


def _single_row_config(booster: lgb.Booster, width: int) -> ctypes.c_void_p | None:
    """The settings that the library prepared; None if it cannot prepare them."""
    handle, config = getattr(booster, "_handle", None), ctypes.c_void_p()
    if LIBRARY is None or handle is None:
        return None
    failed = LIBRARY.LGBM_BoosterPredictForMatSingleRowFastInit(
        handle, RAW, 0, ALL_TREES, FLOAT64, ctypes.c_int32(width), b"num_threads=1", ctypes.byref(config)
    )
    return None if failed else config
