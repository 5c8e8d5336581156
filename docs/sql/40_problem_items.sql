-- problem_items: the item with most problem orders.
-- One row: a seller and as-of day with a problem order.
-- Reads: as_of_days, problem_lines.
-- Columns: seller (bigint); as_of (integer); item_id (varchar); orders (bigint).
-- Written by make docs.

create or replace table problem_items as
SELECT
  seller,
  as_of,
  item_id,
  orders
FROM (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY seller, as_of ORDER BY orders DESC, item_id) AS place
  FROM (
    SELECT
      t.seller,
      d.as_of,
      t.item_id,
      COUNT(DISTINCT t.order_id) AS orders
    FROM problem_lines AS t
    JOIN as_of_days AS d
      ON t.since <= d.as_of AND d.as_of < t.until AND d.as_of < t.day + 28
    WHERE
      NOT t.item_id IS NULL
    GROUP BY
      t.seller,
      d.as_of,
      t.item_id
  ) AS c
) AS r
WHERE
  place = 1;
