"""Erasure, retention, backup and restore."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine

from core.errors import ForesellError
from core.settings import Settings
from serving.audit_log.backup import back_up, restore
from serving.audit_log.erasure import erase_prediction, erase_seller
from serving.audit_log.idempotency_keys import IdempotencyRecord, claim_key, find
from serving.audit_log.predictions import prediction_rows, record_layout
from serving.audit_log.retention import remove_older
from serving.audit_log.verify import verify
from serving.database.connection import open_database, reading, writing
from serving.database.metadata import all_tables
from serving.database.tables.predictions import OUTCOMES, PREDICTIONS
from serving.deployment.background import tidy
from tests.support.paths import ROOT
from tests.support.records_fixture import fill, keep, prediction

LATER = "2099-01-01T00:00:00.000000+00:00"


def claim(request_id: str, key: str) -> IdempotencyRecord:
    """What an idempotent request left."""
    return IdempotencyRecord("", key, b"f" * 32, request_id, LATER, b'{"seller_id": "seller-3"}')


def rows_of(engine: sa.Engine, table: sa.Table, *where: sa.ColumnElement[bool]) -> list[sa.RowMapping]:
    """Rows, as another reader sees them."""
    with reading(engine) as con:
        return list(con.execute(sa.select(table).where(*where)).mappings())


def test_erasing_a_seller_takes_payloads_and_salts_of_every_table_and_the_answers_kept(records: sa.Engine) -> None:
    fill(records)
    with writing(records) as con:
        claim_key(con, claim("r0", "its own"))
        claim_key(con, claim("another", "not its own"))
    assert erase_seller(records, "seller-3", "asked for") == 3 + 1
    assert rows_of(records, PREDICTIONS, PREDICTIONS.c.seller_id == "seller-3") == []
    assert rows_of(records, OUTCOMES, OUTCOMES.c.seller_id == "seller-3") == []
    [row] = rows_of(records, PREDICTIONS, PREDICTIONS.c.decision_id == "d3")
    assert {row[name] for name in ("seller_id", "vector", "attributes", "offsets", "answer", "salt")} == {None}
    assert (row["model_digest"], row["horizon_days"]) == ("sha256:m", 28)
    with reading(records) as con:
        found = {key: find(con, "", key) for key in ("its own", "not its own")}
    kept = {key: answer.body for key, answer in found.items() if answer}
    assert kept == {"its own": None, "not its own": b'{"seller_id": "seller-3"}'}
    assert len(rows_of(records, PREDICTIONS, PREDICTIONS.c.erased_at.is_(None))) == 17
    assert verify(records).faults == ()
    assert erase_seller(records, "seller-3", "again") == 0


def test_erasing_a_decision_leaves_the_seller_s_others(records: sa.Engine) -> None:
    fill(records)
    assert erase_prediction(records, "d3", "asked for") == 1
    assert erase_prediction(records, "d3", "again") == 0
    assert erase_prediction(records, "nobody's", "asked for") == 0
    assert len(rows_of(records, PREDICTIONS, PREDICTIONS.c.seller_id == "seller-3")) == 2
    assert verify(records).faults == ()


def test_what_was_erased_is_gone_from_the_files_too(tmp_path: Path) -> None:
    engine = open_database(Settings(home=tmp_path))
    fill(engine, 200, attributes='{"region": "a-region-that-tells"}')
    files = sorted((tmp_path / "serving").glob("records.sqlite*"))
    assert any(b"seller-3" in path.read_bytes() for path in files)
    erase_seller(engine, "seller-3", "asked for")
    remaining = b"".join(path.read_bytes() for path in files)
    assert b"seller-3" not in remaining
    assert remaining.count(b"seller-4") > 20
    for seller in (0, 1, 2, 4, 5, 6):
        erase_seller(engine, f"seller-{seller}", "asked for")
    assert b"a-region-that-tells" not in b"".join(path.read_bytes() for path in files)
    engine.dispose()


def test_old_records_are_removed_and_the_chain_says_so(records: sa.Engine) -> None:
    with time_machine.travel("2026-01-01T00:00:00Z", tick=False):
        fill(records, 8)
        with writing(records) as con:
            claim_key(con, claim("r0", "long ago"))
            con.execute(sa.text("update idempotency set expires_at = '2026-01-02'"))
    with time_machine.travel("2026-03-01T00:00:00Z", tick=False):
        again = {"predictions": 8, "outcomes": 4, "idempotency": 1}
        assert remove_older(records, 90) == {"predictions": 0, "outcomes": 0, "idempotency": 1}
        assert remove_older(records, 30) == again | {"idempotency": 0}
        assert remove_older(records, 30) == dict.fromkeys(again, 0)
    assert rows_of(records, PREDICTIONS) == rows_of(records, OUTCOMES) == []
    assert verify(records).faults == ()


def test_the_service_removes_what_has_expired_by_itself(records: sa.Engine, records_settings: Settings) -> None:
    with writing(records) as con:
        claim_key(con, claim("r0", "expired"))
        con.execute(sa.text("update idempotency set expires_at = '2020-01-01'"))
        claim_key(con, claim("r1", "held"))
    tidy(records_settings, records)
    with reading(records) as con:
        assert con.execute(sa.text("select key from idempotency")).scalars().all() == ["held"]


def test_what_is_young_stays_and_stays_verified(records: sa.Engine) -> None:
    with time_machine.travel("2026-01-01T00:00:00Z", tick=False):
        fill(records, 8)
    with time_machine.travel("2026-03-01T00:00:00Z", tick=False):
        keep(records, prediction_rows([prediction(100, record_layout(records, ("a", "b")))]))
        assert remove_older(records, 30)["predictions"] == 8
    assert [row["decision_id"] for row in rows_of(records, PREDICTIONS)] == ["d100"]
    assert verify(records).faults == ()
    with writing(records) as con:
        con.execute(sa.delete(PREDICTIONS))
    assert [f.said for f in verify(records).faults] == ["the record is missing"]


def contents(engine: sa.Engine) -> dict[str, set[tuple[object, ...]]]:
    """Everything in the database."""
    with reading(engine) as con:
        tables = all_tables().sorted_tables
        return {t.name: {tuple(map(_plain, row)) for row in con.execute(sa.select(t))} for t in tables}


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def test_a_backup_restores_into_either_database(records: sa.Engine, tmp_path: Path) -> None:
    fill(records)
    erase_seller(records, "seller-1", "asked for")
    said = back_up(records, tmp_path / "backups" / "one.sqlite")
    assert said == verify(records)
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["one.sqlite"]
    target = open_database(Settings(home=tmp_path / "new"))
    assert restore(target, tmp_path / "backups" / "one.sqlite") == said
    assert contents(target) == contents(records)
    target.dispose()


def test_a_backup_of_sqlite_restores_into_the_other(records: sa.Engine, tmp_path: Path) -> None:
    source = open_database(Settings(home=tmp_path / "source"))
    fill(source)
    back_up(source, tmp_path / "one.sqlite")
    restore(records, tmp_path / "one.sqlite")
    assert contents(records) == contents(source)
    with pytest.raises(ForesellError, match="only into an empty database"):
        restore(records, tmp_path / "one.sqlite")
    assert contents(records) == contents(source)
    source.dispose()


def test_a_backup_overwrites_nothing_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    engine = open_database(Settings(home=tmp_path))
    fill(engine)
    back_up(engine, tmp_path / "one.sqlite")
    with pytest.raises(ForesellError, match="must not overwrite"):
        back_up(engine, tmp_path / "one.sqlite")
    with pytest.raises(ForesellError, match="must be a file"):
        restore(engine, tmp_path / "two.sqlite")
    engine.dispose()


RECORD_FOR_EVER = """
import sys
from core.settings import Settings
from tests.support.records_fixture import keep, prediction
from serving.database.connection import open_database
from serving.audit_log.predictions import record_layout, prediction_rows
engine, n = open_database(Settings(home=sys.argv[1], database=sys.argv[2])), 0
layout = record_layout(engine, ("a",))
while True:
    keep(engine, prediction_rows([prediction(n + i, layout) for i in range(3)]))
    n += 3
    print(n, flush=True)
"""


@pytest.mark.slow
def test_a_backup_taken_while_records_come_in_is_of_one_moment(
    records: sa.Engine, records_settings: Settings, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", RECORD_FOR_EVER, str(records_settings.home), records_settings.database]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for n in range(5):
            before = int(process.stdout.readline())
            said = back_up(records, tmp_path / f"{n}.sqlite")
            assert said.faults == ()
            assert said.entries >= before
        process.kill()
    assert verify(records, said.head).faults == ()
