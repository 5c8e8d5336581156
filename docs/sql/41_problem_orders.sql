-- problem_orders: counts of problem orders.
-- One row: a seller and as-of day with a problem order.
-- Reads: as_of_days, known_lines, problem_items, problem_lines, seller_codes.
-- Columns: seller_id (varchar); as_of (integer); order_troubles, new_category_troubles, disappointing_orders (bigint);
-- new_category_disappointing (hugeint); worst_item_troubles, worst_item_units (bigint); troubled_item (varchar).
-- Written by make docs.

create or replace table problem_orders as
SELECT
  s.seller_id,
  a.as_of,
  a.order_troubles,
  a.new_category_troubles,
  COALESCE(p.orders, 0) AS disappointing_orders,
  COALESCE(p.new, 0) AS new_category_disappointing,
  COALESCE(w.orders, 0) AS worst_item_troubles,
  COALESCE(u.units, 0) AS worst_item_units,
  COALESCE(w.item_id, '') AS troubled_item
FROM (
  SELECT
    t.seller,
    d.as_of,
    COUNT(DISTINCT t.order_id) AS order_troubles,
    COUNT(DISTINCT CASE WHEN t.new_category = 1 THEN t.order_id END) AS new_category_troubles
  FROM problem_lines AS t
  JOIN as_of_days AS d
    ON t.since <= d.as_of AND d.as_of < t.until AND d.as_of < t.day + 28
  GROUP BY
    t.seller,
    d.as_of
) AS a
JOIN seller_codes AS s
  ON s.seller = a.seller
LEFT JOIN problem_items AS w
  ON w.seller = a.seller AND w.as_of = a.as_of
LEFT JOIN (
  SELECT
    w.seller,
    w.as_of,
    COUNT(*) AS units
  FROM problem_items AS w
  JOIN known_lines AS l
    ON l.seller = w.seller
    AND l.item_id = w.item_id
    AND l.day <= w.as_of
    AND l.day > w.as_of - 60
  GROUP BY
    w.seller,
    w.as_of
) AS u
  ON u.seller = a.seller AND u.as_of = a.as_of
LEFT JOIN (
  SELECT
    seller,
    as_of,
    COUNT(*) AS orders,
    SUM(new_category) AS new
  FROM (
    SELECT
      t.seller,
      d.as_of,
      t.order_id,
      MAX(t.new_category) AS new_category
    FROM problem_lines AS t
    JOIN as_of_days AS d
      ON t.since <= d.as_of
      AND d.as_of < t.until
      AND d.as_of < t.day + 28
      AND d.as_of < t.placed + 28
    GROUP BY
      t.seller,
      d.as_of,
      t.order_id
    HAVING
      MAX(t.alone) = 1 OR COUNT(DISTINCT t.table_name) > 1
  ) AS o
  GROUP BY
    seller,
    as_of
) AS p
  ON p.seller = a.seller AND p.as_of = a.as_of;
