-- known_lines: order lines as first recorded.
-- One row: an order line.
-- Reads: orders_versions.
-- Columns: seller (bigint); order_id, line_id, item_id, category (varchar); price_cents (bigint); day (integer).
-- Written by make docs.

create or replace table known_lines as
SELECT
  l.seller,
  l.order_id,
  l.line_id,
  l.item_id,
  l.category,
  l.price_cents,
  GREATEST(l.ordered_at_day, l.valid_from) AS day
FROM (
  SELECT
    *,
    MIN(valid_from) OVER (PARTITION BY order_id, line_id) AS first_from
  FROM orders_versions
) AS l
WHERE
  l.valid_from = l.first_from;
