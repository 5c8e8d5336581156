"""Problem orders, by item and category: returned, not as described, or rated 1 or 2.

The problems of a bad batch show in one item, and those of a new category in its own orders, weeks before they show in
the seller's whole rate. A line counts as first recorded. A problem counts from the day it was known until a later
version or an appeal removes it. An order is disappointing if it is not as described, if it was returned for a reason
that blames the goods, or if it was both returned and rated low. The reason for another return may be a change of mind,
and another low rating may be the carrier's fault.
"""

from core.sql_text import Step
from features.ledger.new_to_seller import taken_on_sql, while_new

DAYS = 28
UNITS_DAYS = 60  # days of the order lines that the problem item's share is computed from
NEEDS = ("returned", "not_as_described", "low_rating", "new_item_orders", "new_category_orders")
PROBLEM_ITEM = "troubled_item"  # text: the item with most problem orders
COLUMNS = (
    "worst_item_troubles",  # problem orders with that item
    "worst_item_units",  # lines of it ordered
    "order_troubles",  # problem orders
    "new_category_troubles",  # of those, with a line in a category new to the seller
    "disappointing_orders",  # disappointing orders of the last DAYS days
    "new_category_disappointing",  # of those, with a line in a category new to the seller
)
EVENTS = {  # key, line, day, which rows are problems, and which rows by themselves make an order disappointing
    "returns": ("return_id", "line_id", "opened_at_day", "not to_origin", "of_goods"),
    "cases": ("case_id", "cast(null as varchar)", "opened_at_day", "kind = 'not_as_described'", "true"),
    "feedback": ("feedback_id", "cast(null as varchar)", "created_at_day", "rating <= 2", "false"),
}
EXCLUDED = """select table_name, row_key, min(decided_at_day) as decided_day
    from corrections where effect = 'excluded' group by table_name, row_key"""


def steps(into: str, firsts: str = "known_lines") -> list[Step]:
    """The steps that make the problem orders, in order; the last makes `into`. firsts: see `taken_on_sql`."""
    return [
        Step(
            "problem_lines",
            problem_lines_sql(firsts),
            "order lines returned, not as described or rated 1 or 2, and when that was known",
            "a line and a return, case or rating of it",
        ),
        Step(
            "problem_items",
            problem_items_sql(),
            "the item with most problem orders",
            "a seller and as-of day with a problem order",
        ),
        Step(into, problem_orders_sql(), "counts of problem orders", "a seller and as-of day with a problem order"),
    ]


def problem_lines_sql(firsts: str) -> str:
    """Problem lines: the days from and until which the problem is known, and whether the category is new."""
    events = " union all ".join(
        f"""select '{table}' as table_name, {key} as row_key, seller, order_id, {line} as line_id, {day} as day,
            case when {alone} then 1 else 0 end as alone, greatest({day}, valid_from) as since, valid_to as until
        from {table}_versions where order_id is not null and {chosen}"""
        for table, (key, line, day, chosen, alone) in EVENTS.items()
    )
    return f"""select l.seller, l.item_id, l.order_id, l.day as placed, t.table_name, t.alone, t.day,
            greatest(t.since, l.day) as since,
            least(t.until, coalesce(x.decided_day, t.until)) as until,
            case when c.first_day is not null then 1 else 0 end as new_category
        from ({events}) as t join known_lines as l on l.seller = t.seller and l.order_id = t.order_id
            and coalesce(t.line_id, l.line_id) = l.line_id
        left join ({EXCLUDED}) as x on x.table_name = t.table_name and x.row_key = t.row_key
        left join ({taken_on_sql("category", firsts)}) as c on {while_new("category", "l", "c")}"""


def problem_items_sql() -> str:
    """Each seller's item with the most problem orders (ties: the first by name) at each as-of day."""
    counted = f"""select t.seller, d.as_of, t.item_id, count(distinct t.order_id) as orders
        from {_known_problems()} where t.item_id is not null group by t.seller, d.as_of, t.item_id"""
    return f"""select seller, as_of, item_id, orders from (select *,
            row_number() over (partition by seller, as_of order by orders desc, item_id) as place
        from ({counted}) as c) as r where place = 1"""


def problem_orders_sql() -> str:
    """Counts of problem orders, of the worst item's, and of disappointing orders, by seller and as-of day."""
    new = "case when t.new_category = 1 then t.order_id end"
    totals = f"""select t.seller, d.as_of, count(distinct t.order_id) as order_troubles,
            count(distinct {new}) as new_category_troubles
        from {_known_problems()} group by t.seller, d.as_of"""
    units = f"""select w.seller, w.as_of, count(*) as units from problem_items as w
        join known_lines as l on l.seller = w.seller and l.item_id = w.item_id
            and l.day <= w.as_of and l.day > w.as_of - {UNITS_DAYS}
        group by w.seller, w.as_of"""
    return f"""select s.seller_id, a.as_of, a.order_troubles, a.new_category_troubles,
            coalesce(p.orders, 0) as disappointing_orders, coalesce(p.new, 0) as new_category_disappointing,
            coalesce(w.orders, 0) as worst_item_troubles, coalesce(u.units, 0) as worst_item_units,
            coalesce(w.item_id, '') as {PROBLEM_ITEM}
        from ({totals}) as a join seller_codes as s on s.seller = a.seller
        left join problem_items as w on w.seller = a.seller and w.as_of = a.as_of
        left join ({units}) as u on u.seller = a.seller and u.as_of = a.as_of
        left join ({disappointing_sql()}) as p on p.seller = a.seller and p.as_of = a.as_of"""


def disappointing_sql() -> str:
    """Disappointing orders by seller and as-of day; a problem of any line counts for the order."""
    orders = f"""select t.seller, d.as_of, t.order_id, max(t.new_category) as new_category
        from {_known_problems()} and d.as_of < t.placed + {DAYS} group by t.seller, d.as_of, t.order_id
        having max(t.alone) = 1 or count(distinct t.table_name) > 1"""
    return f"""select seller, as_of, count(*) as orders, sum(new_category) as new
        from ({orders}) as o group by seller, as_of"""


def _known_problems() -> str:
    """Problem lines as known at each as-of day."""
    return f"""problem_lines as t join as_of_days as d
        on t.since <= d.as_of and d.as_of < t.until and d.as_of < t.day + {DAYS}"""
