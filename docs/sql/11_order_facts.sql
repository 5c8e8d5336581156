-- order_facts: order states, with the day and fault of lateness and the first day of failure.
-- One row: a seller's order and state of it.
-- Reads: order_states, sellers_versions.
-- Columns: seller (bigint); order_id (varchar); since, until (integer); lone, pair (boolean); cancelled_day,
-- cancelled_seller_day, cleared_day, closed_day (integer); delivered_at (bigint); delivered_day (integer); failure_day,
-- failure_own_day, gross_cents (bigint); late_carrier_day, late_day, late_own_day, late_platform_day (integer);
-- ordered_at (bigint); ordered_day, overdue_day, returned_day, returned_seller_day (integer); shipped_at (bigint);
-- shipped_day, to_origin_day (integer); units, untracked_at (bigint).
-- Written by make docs.

create or replace table order_facts as
SELECT
  seller,
  order_id,
  since,
  until,
  lone,
  pair,
  cancelled_day,
  cancelled_seller_day,
  cleared_day,
  closed_day,
  delivered_at,
  delivered_day,
  LEAST(
    late_day,
    cancelled_seller_day,
    not_received_day,
    not_described_day,
    unresolved_day,
    low_day,
    CAST(NULL AS INT)
  ) AS failure_day,
  LEAST(
    late_own_day,
    cancelled_seller_day,
    not_received_own_day,
    not_described_own_day,
    unresolved_own_day,
    low_day,
    CAST(NULL AS INT)
  ) AS failure_own_day,
  gross_cents,
  late_carrier_day,
  late_day,
  late_own_day,
  late_platform_day,
  ordered_at,
  ordered_day,
  overdue_day,
  returned_day,
  returned_seller_day,
  shipped_at,
  shipped_day,
  to_origin_day,
  units,
  untracked_at
FROM (
  SELECT
    *,
    CASE WHEN late_fault = 0 THEN late_day END AS late_own_day,
    CASE WHEN late_fault = 2 THEN late_day END AS late_carrier_day,
    CASE WHEN late_fault = 1 THEN late_day END AS late_platform_day
  FROM (
    SELECT
      s.*,
      LEAST(
        CASE WHEN s.ruled_code // 4 = s.late_day THEN s.ruled_code % 4 END,
        CASE
          WHEN s.late_code // 4 = s.late_day
          THEN CASE WHEN p.fulfilment = 'platform' THEN 1 ELSE s.late_code % 4 END
        END
      ) AS late_fault
    FROM (
      SELECT
        *,
        LEAST(late_code, ruled_code) // 4 AS late_day
      FROM order_states
    ) AS s
    LEFT JOIN sellers_versions AS p
      ON p.seller = s.seller AND p.valid_from <= s.late_day AND s.late_day < p.valid_to
  ) AS o
) AS f;
