-- item_returned: returned lines with their item, and when the return was known.
-- One row: a return version.
-- Reads: corrections, orders_versions, returns_versions.
-- Columns: seller_id, item_id, order_id (varchar); day, since, until (integer).
-- Written by make docs.

create or replace table item_returned as
SELECT
  l.seller_id,
  l.item_id,
  r.order_id,
  r.opened_at_day AS day,
  GREATEST(r.opened_at_day, r.valid_from) AS since,
  LEAST(r.valid_to, COALESCE(x.decided_day, r.valid_to)) AS until
FROM returns_versions AS r
JOIN orders_versions AS l
  ON l.order_id = r.order_id
  AND l.line_id = r.line_id
  AND l.valid_from <= r.valid_from
  AND r.valid_from < l.valid_to
LEFT JOIN (
  SELECT
    row_key,
    MIN(decided_at_day) AS decided_day
  FROM corrections
  WHERE
    table_name = 'returns' AND effect = 'excluded'
  GROUP BY
    row_key
) AS x
  ON x.row_key = r.return_id
WHERE
  NOT l.item_id IS NULL AND NOT r.to_origin;
