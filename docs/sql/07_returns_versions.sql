-- returns_versions: versions of returns with the days they are valid from and to, and the seller of the line returned.
-- One row: a version of a row of returns.
-- Reads: orders_versions, returns.
-- Columns: seller (bigint); return_id, order_id, line_id (varchar); opened_at_day (integer); fault (varchar);
-- refunded_at_day (integer); refund_cents (bigint); of_goods (boolean); valid_from, valid_to (integer); to_origin, lone
-- (boolean).
-- Written by make docs.

create or replace table returns_versions as
SELECT
  *
FROM (
  SELECT
    l.seller,
    r.return_id,
    r.order_id,
    r.line_id,
    r.opened_at_day,
    r.fault,
    r.refunded_at_day,
    r.refund_cents,
    COALESCE(
      LOWER(r.reason) LIKE '%defect%'
      OR LOWER(r.reason) LIKE '%describ%'
      OR LOWER(r.reason) LIKE '%damag%'
      OR LOWER(r.reason) LIKE '%broken%'
      OR LOWER(r.reason) LIKE '%faulty%'
      OR LOWER(r.reason) LIKE '%wrong item%'
      OR LOWER(r.reason) LIKE '%wrong_item%'
      OR LOWER(r.reason) LIKE '%quality%',
      FALSE
    ) AS of_goods,
    GREATEST(r.valid_from, l.valid_from) AS valid_from,
    LEAST(r.valid_to, l.valid_to) AS valid_to,
    NOT COALESCE(l.delivered_at_day <= r.opened_at_day, FALSE) AS to_origin,
    r.lone AND l.lone AS lone
  FROM (
    SELECT
      *
    FROM (
      SELECT
        *,
        COALESCE(recorded_at_day, -1000000) AS valid_from,
        COALESCE(
          LEAD(recorded_at_day) OVER (PARTITION BY return_id ORDER BY COALESCE(recorded_at, -86400000000000000)),
          1000000
        ) AS valid_to,
        COUNT(*) OVER (
          PARTITION BY return_id
          ORDER BY COALESCE(recorded_at, -86400000000000000)
          rows BETWEEN UNBOUNDED preceding AND UNBOUNDED following
        ) = 1 AS lone
      FROM returns
    ) AS v
    WHERE
      valid_from < valid_to
  ) AS r
  JOIN orders_versions AS l
    ON l.order_id = r.order_id AND l.line_id = r.line_id
) AS v
WHERE
  valid_from < valid_to;
