"""`python -m serving.database.migrations.draft "what it adds"`: write the next migration from the code's tables."""

import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa
from alembic import command

from serving.database.connection import connect
from serving.database.migrate import config, upgrade


def main() -> None:
    """Compare with a scratch database that has every migration, and write the difference."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as scratch:
        engine = connect(sa.URL.create("sqlite", database=str(Path(scratch) / "records.sqlite")))
        upgrade(engine)
        with engine.begin() as con:
            title = sys.argv[1]
            command.revision(config(con), title, autogenerate=True, rev_id=title.lower().replace(" ", "_"))
        engine.dispose()


if __name__ == "__main__":
    main()
