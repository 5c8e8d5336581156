-- corrected_sums: sums of those days with the corrections so far, and the days from and until which they are valid.
-- One row: a seller, day and day on which its sums changed.
-- Reads: corrected_days, ledger, ledger_corrections.
-- Columns: seller_id (varchar); day, since, until, cancelled_by_seller, case_unresolved, item_not_received,
-- late_seller_fault, low_rating, not_as_described, returned, service_failure, service_failure_seller_fault,
-- unanswered_48h (bigint).
-- Written by make docs.

create or replace table corrected_sums as
SELECT
  seller_id,
  day,
  since,
  COALESCE(LEAD(since) OVER (PARTITION BY seller_id, day ORDER BY since), 1000000) AS until,
  CAST(SUM(cancelled_by_seller) OVER (PARTITION BY seller_id, day ORDER BY since) AS BIGINT) AS cancelled_by_seller,
  CAST(SUM(case_unresolved) OVER (PARTITION BY seller_id, day ORDER BY since) AS BIGINT) AS case_unresolved,
  CAST(SUM(item_not_received) OVER (PARTITION BY seller_id, day ORDER BY since) AS BIGINT) AS item_not_received,
  CAST(SUM(late_seller_fault) OVER (PARTITION BY seller_id, day ORDER BY since) AS BIGINT) AS late_seller_fault,
  CAST(SUM(low_rating) OVER (PARTITION BY seller_id, day ORDER BY since) AS BIGINT) AS low_rating,
  CAST(SUM(not_as_described) OVER (PARTITION BY seller_id, day ORDER BY since) AS BIGINT) AS not_as_described,
  CAST(SUM(returned) OVER (PARTITION BY seller_id, day ORDER BY since) AS BIGINT) AS returned,
  CAST(SUM(service_failure) OVER (PARTITION BY seller_id, day ORDER BY since) AS BIGINT) AS service_failure,
  CAST(SUM(service_failure_seller_fault) OVER (PARTITION BY seller_id, day ORDER BY since) AS BIGINT) AS service_failure_seller_fault,
  CAST(SUM(unanswered_48h) OVER (PARTITION BY seller_id, day ORDER BY since) AS BIGINT) AS unanswered_48h
FROM (
  SELECT
    seller_id,
    day,
    since,
    SUM(cancelled_by_seller) AS cancelled_by_seller,
    SUM(case_unresolved) AS case_unresolved,
    SUM(item_not_received) AS item_not_received,
    SUM(late_seller_fault) AS late_seller_fault,
    SUM(low_rating) AS low_rating,
    SUM(not_as_described) AS not_as_described,
    SUM(returned) AS returned,
    SUM(service_failure) AS service_failure,
    SUM(service_failure_seller_fault) AS service_failure_seller_fault,
    SUM(unanswered_48h) AS unanswered_48h
  FROM (
    SELECT
      l.seller_id,
      l.day,
      l.day AS since,
      l.cancelled_by_seller,
      l.case_unresolved,
      l.item_not_received,
      l.late_seller_fault,
      l.low_rating,
      l.not_as_described,
      l.returned,
      l.service_failure,
      l.service_failure_seller_fault,
      l.unanswered_48h
    FROM ledger AS l
    JOIN corrected_days AS c
      ON c.seller_id = l.seller_id AND c.day = l.day
    UNION ALL
    SELECT
      seller_id,
      effective_day,
      GREATEST(effective_day, decided_day),
      cancelled_by_seller,
      case_unresolved,
      item_not_received,
      late_seller_fault,
      low_rating,
      not_as_described,
      returned,
      service_failure,
      service_failure_seller_fault,
      unanswered_48h
    FROM ledger_corrections
  ) AS c
  GROUP BY
    seller_id,
    day,
    since
) AS d;
