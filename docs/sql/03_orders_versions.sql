-- orders_versions: versions of orders with the days they are valid from and to, and the fault that an appeal decided.
-- One row: a version of a row of orders.
-- Reads: orders, seller_codes.
-- Columns: seller (bigint); order_id, line_id, seller_id, item_id, category (varchar); price_cents (bigint); quantity
-- (integer); currency, kind, buyer_id (varchar); ordered_at (bigint); ordered_at_day (integer); ship_by (bigint);
-- ship_by_day (integer); shipped_at (bigint); shipped_at_day (integer); tracking_valid (boolean); promised_at (bigint);
-- promised_at_day (integer); delivered_at (bigint); delivered_at_day (integer); cancelled_at (bigint); cancelled_at_day
-- (integer); cancelled_by (varchar); recorded_at (bigint); recorded_at_day, valid_from, valid_to (integer); lone
-- (boolean); ruled_fault (varchar).
-- Written by make docs.

create or replace table orders_versions as
SELECT
  c.seller,
  q.*
FROM (
  SELECT
    *,
    CAST(NULL AS TEXT) AS ruled_fault
  FROM (
    SELECT
      *
    FROM (
      SELECT
        *,
        COALESCE(
          recorded_at_day,
          LEAST(ordered_at_day, shipped_at_day, delivered_at_day, cancelled_at_day)
        ) AS valid_from,
        COALESCE(
          LEAD(recorded_at_day) OVER (PARTITION BY order_id, line_id ORDER BY COALESCE(recorded_at, -86400000000000000)),
          1000000
        ) AS valid_to,
        COUNT(*) OVER (
          PARTITION BY order_id, line_id
          ORDER BY COALESCE(recorded_at, -86400000000000000)
          rows BETWEEN UNBOUNDED preceding AND UNBOUNDED following
        ) = 1 AS lone
      FROM orders
    ) AS v
    WHERE
      CASE
        WHEN recorded_at IS NULL
        THEN LEAST(ordered_at_day, shipped_at_day, delivered_at_day, cancelled_at_day)
        ELSE valid_from
      END < valid_to
  ) AS o
) AS q
JOIN seller_codes AS c
  ON c.seller_id = q.seller_id;
