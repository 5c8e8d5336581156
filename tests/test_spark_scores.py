"""Scores on Spark are those of the same bundle over the same rows here."""

from pathlib import Path

import pandas as pd
import pytest
import serving_market as market
from spark_session import small_spark

from features.engine import quoted
from features.spark import quiet_pandas
from features.table import build_table, make_rows, plan, usable, written_sql
from models.batch import batch
from models.bundle import save
from models.spark_scores import scores

pytestmark = pytest.mark.slow


def test_scores_are_those_of_the_bundle_here(tmp_path: Path) -> None:
    bundle, ledger = save(market.bundle(), tmp_path / "bundle"), market.ledger()
    standards = [model.standard for model in bundle.models]
    needs = plan(ledger.quantities, usable(standards, ledger.quantities))
    rows = build_table(ledger, [ledger.last_day], standards)
    make_rows(ledger.con, needs, [ledger.last_day])
    ledger.con.execute(f"copy ({written_sql(needs)}) to {quoted(tmp_path / 'rows.parquet')} (format parquet)")
    with small_spark() as con:
        query = f"select * from parquet.`{tmp_path / 'rows.parquet'}`"
        with quiet_pandas():
            found = scores(con, query, needs, tmp_path / "bundle", bundle.digest, "3").toArrow().to_pandas()
    expected = batch(bundle, rows).to_pandas()
    assert set(found.pop("model_version")) == {"3"}
    assert set(found["as_of"].map(str)) == {str(pd.Timestamp(ledger.last_day, unit="D").date())}
    keys = ["risk", "seller_id"]
    found, expected = (t.drop(columns="as_of").sort_values(keys, ignore_index=True) for t in (found, expected))
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=0, atol=1e-9)
