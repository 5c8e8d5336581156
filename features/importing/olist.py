"""The Olist record (a Brazilian marketplace, 2016 to 2018), from the files of its public release."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from core.errors import ForesellError
from features.ingest.sources import read_text

ZONE = "America/Sao_Paulo"  # the record's times are wall-clock times there

FILES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "record": (
        "olist_orders_dataset.csv",
        (
            "order_id",
            "order_status",
            "order_purchase_timestamp",
            "order_delivered_carrier_date",
            "order_delivered_customer_date",
            "order_estimated_delivery_date",
        ),
    ),
    "items": (
        "olist_order_items_dataset.csv",
        ("order_id", "order_item_id", "product_id", "seller_id", "shipping_limit_date", "price"),
    ),
    "reviews": (
        "olist_order_reviews_dataset.csv",
        ("review_id", "order_id", "review_score", "review_answer_timestamp"),
    ),
    "products": ("olist_products_dataset.csv", ("product_id", "product_category_name")),
    "translation": (
        "product_category_name_translation.csv",
        ("product_category_name", "product_category_name_english"),
    ),
    "places": ("olist_sellers_dataset.csv", ("seller_id", "seller_state")),
}

# One row per item. The record has no time of cancellation, so there is no cancelled_at, and an order that was cancelled
# and never delivered has no promise. The promise is a date, because the estimate's time is always midnight.
ORDERS = """select order_id, order_item_id as line_id, seller_id, product_id as item_id,
coalesce(product_category_name_english, product_category_name) as category, cast(price as decimal(12, 2)) as price,
cast(order_purchase_timestamp as timestamp) as ordered_at, cast(shipping_limit_date as timestamp) as ship_by,
cast(order_delivered_carrier_date as timestamp) as shipped_at,
case when order_status <> 'canceled' or order_delivered_customer_date is not null
then cast(cast(order_estimated_delivery_date as timestamp) as date) end as promised_at,
cast(order_delivered_customer_date as timestamp) as delivered_at
from record join items using (order_id) left join products using (product_id)
left join translation using (product_category_name)"""

# A review is about an order, so each of its sellers gets one; it is known when the customer answered.
FEEDBACK = """select concat_ws('-', review_id, order_id, seller_id) as feedback_id, order_id, seller_id,
cast(review_score as integer) as rating, cast(review_answer_timestamp as timestamp) as created_at, sellers > 1 as shared
from reviews join (select distinct order_id, seller_id from items) using (order_id)
join (select order_id, count(distinct seller_id) as sellers from items group by order_id) using (order_id)"""

SELLERS = "select seller_id, seller_state as region from places"

LEFT_OUT = {
    "orders without an item": "select count(*) from record where order_id not in (select order_id from items)",
    "items of an unknown order": "select count(*) from items where order_id not in (select order_id from record)",
    "reviews of an order without an item": """select count(*) from reviews
where order_id not in (select order_id from items)""",
}


def read(con: duckdb.DuckDBPyConnection, source: str) -> Mapping[str, int]:
    """Make the tables orders, feedback and sellers; rows without an item cannot be order lines, and are counted."""
    folder = Path(source)
    missing = [name for name, _ in FILES.values() if not (folder / name).is_file()]
    if missing:
        rule = "An Olist folder must have the files of the public release."
        raise ForesellError(rule, f"no {', '.join(missing)} in {folder}", "check the path")
    broken = sum(read_text(con, table, folder / name, columns) for table, (name, columns) in FILES.items())
    for table, sql in {"orders": ORDERS, "feedback": FEEDBACK, "sellers": SELLERS}.items():
        con.execute(f"create table {table} as {sql}")
    counts = {what: int(con.execute(sql).fetchall()[0][0]) for what, sql in LEFT_OUT.items()}
    return counts | {"rows that cannot be split into columns": broken}
