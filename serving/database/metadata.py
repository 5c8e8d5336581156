"""The tables of the database, all of them: each subject keeps its own in a file of serving.database.tables."""

from importlib import import_module
from pkgutil import iter_modules

import sqlalchemy as sa

# Named constraints, so that a later migration can find them in either database.
NAMES = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
METADATA = sa.MetaData(naming_convention=NAMES)


def all_tables() -> sa.MetaData:
    """The metadata with the tables of every subject in it."""
    from serving.database import tables

    for module in iter_modules(tables.__path__, f"{tables.__name__}."):
        import_module(module.name)
    return METADATA
