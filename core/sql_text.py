"""SQL as text: a statement with the table that it makes, string literals, and the columns and tables in a query."""

from dataclasses import dataclass
from functools import cache, cached_property

import sqlglot
from sqlglot import exp


@dataclass(frozen=True)
class Step:
    """One statement on the way to the ledger or the feature rows; it makes the table (or view) `name` from a query.

    makes: what the rows are; grain: what one row stands for (both empty for a step that docs/sql does not list).
    view: make a view, for a result that is read once or that is as fast to read as a table.
    """

    name: str
    query: str
    makes: str = ""
    grain: str = ""
    view: bool = False

    @property
    def sql(self) -> str:
        """The statement as it runs."""
        return f"create or replace {'view' if self.view else 'table'} {self.name} as {self.query}"

    @cached_property
    def tree(self) -> exp.Expr:
        """The parsed query. Parsing takes seconds for the longest, so only documentation and checks use it."""
        return sqlglot.parse_one(self.query, read="duckdb")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tables and views that the query reads, sorted, without those that it defines itself (`with`).

        >>> Step("", "with late as (select * from orders) select * from late join sellers using (seller_id)").inputs
        ('orders', 'sellers')
        """
        own = {cte.alias for cte in self.tree.find_all(exp.CTE)}
        return tuple(sorted({table.name for table in self.tree.find_all(exp.Table)} - own))


def quoted(text: object) -> str:
    """A SQL string literal."""
    return "'" + str(text).replace("'", "''") + "'"


@cache  # only the expressions of the catalogue and the ledger are parsed, so the cache stays small
def columns_in(expression: str) -> tuple[str, ...]:
    """The columns that a SQL expression names, in the order of the text.

    >>> columns_in("case when late_28 > 0 then late_28 / nullif(ordered_28, 0) end")
    ('late_28', 'ordered_28')
    """
    nodes = sqlglot.parse_one(expression, read="duckdb").walk(bfs=False)
    return tuple(dict.fromkeys(node.name for node in nodes if isinstance(node, exp.Column)))
