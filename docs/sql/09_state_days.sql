-- state_days: days on which something known of an order changed; from one to the next it has one state.
-- One row: a seller's order and state of it.
-- Reads: cases_versions, feedback_versions, orders_versions, returns_versions.
-- Columns: seller (bigint); order_id (varchar); since, until (integer); lone, pair (boolean).
-- Written by make docs.

create or replace table state_days as
SELECT
  seller,
  order_id,
  since,
  COALESCE(LEAD(since) OVER (PARTITION BY seller, order_id ORDER BY since), 1000000) AS until,
  COUNT(*) OVER (PARTITION BY seller, order_id) = 1 AS lone,
  COUNT(*) OVER (PARTITION BY seller, order_id) = 2 AS pair
FROM (
  SELECT DISTINCT
    seller,
    order_id,
    since
  FROM (
    SELECT
      seller,
      order_id,
      valid_from AS since
    FROM orders_versions
    WHERE
      NOT order_id IS NULL AND valid_from < 1000000
    UNION ALL
    SELECT
      seller,
      order_id,
      valid_to AS since
    FROM orders_versions
    WHERE
      NOT order_id IS NULL AND valid_to < 1000000
    UNION ALL
    SELECT
      seller,
      order_id,
      valid_from AS since
    FROM returns_versions
    WHERE
      NOT order_id IS NULL AND valid_from < 1000000
    UNION ALL
    SELECT
      seller,
      order_id,
      valid_to AS since
    FROM returns_versions
    WHERE
      NOT order_id IS NULL AND valid_to < 1000000
    UNION ALL
    SELECT
      seller,
      order_id,
      valid_from AS since
    FROM cases_versions
    WHERE
      NOT order_id IS NULL AND valid_from < 1000000
    UNION ALL
    SELECT
      seller,
      order_id,
      valid_to AS since
    FROM cases_versions
    WHERE
      NOT order_id IS NULL AND valid_to < 1000000
    UNION ALL
    SELECT
      seller,
      order_id,
      valid_from AS since
    FROM feedback_versions
    WHERE
      NOT order_id IS NULL AND valid_from < 1000000
    UNION ALL
    SELECT
      seller,
      order_id,
      valid_to AS since
    FROM feedback_versions
    WHERE
      NOT order_id IS NULL AND valid_to < 1000000
  ) AS c
) AS d;
