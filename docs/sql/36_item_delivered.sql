-- item_delivered: delivered lines of each item, and when the delivery was known.
-- One row: a seller, item, day of delivery and time during which it is known.
-- Reads: orders_versions.
-- Columns: seller_id, item_id (varchar); day, since, until (integer); units (bigint).
-- Written by make docs.

create or replace table item_delivered as
SELECT
  seller_id,
  item_id,
  delivered_at_day AS day,
  GREATEST(delivered_at_day, valid_from) AS since,
  valid_to AS until,
  COUNT(*) AS units
FROM orders_versions
WHERE
  NOT delivered_at_day IS NULL AND NOT item_id IS NULL
GROUP BY
  seller_id,
  item_id,
  delivered_at_day,
  valid_from,
  valid_to;
