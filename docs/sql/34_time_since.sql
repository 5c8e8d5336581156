-- time_since: days since a quantity was last above 0.
-- One row: a seller and as-of day.
-- Reads: as_of_days, eventful_days.
-- Columns: seller_id (varchar); as_of (integer); since_cancelled_by_seller, since_case_unresolved,
-- since_item_not_received, since_late_seller_fault, since_low_rating, since_not_as_described, since_returned,
-- since_service_failure, since_service_failure_seller_fault, since_unanswered_48h (bigint).
-- Written by make docs.

create or replace table time_since as
SELECT
  seller_id,
  as_of,
  as_of - MAX(CASE WHEN quantity = 'cancelled_by_seller' THEN day END) AS since_cancelled_by_seller,
  as_of - MAX(CASE WHEN quantity = 'case_unresolved' THEN day END) AS since_case_unresolved,
  as_of - MAX(CASE WHEN quantity = 'item_not_received' THEN day END) AS since_item_not_received,
  as_of - MAX(CASE WHEN quantity = 'late_seller_fault' THEN day END) AS since_late_seller_fault,
  as_of - MAX(CASE WHEN quantity = 'low_rating' THEN day END) AS since_low_rating,
  as_of - MAX(CASE WHEN quantity = 'not_as_described' THEN day END) AS since_not_as_described,
  as_of - MAX(CASE WHEN quantity = 'returned' THEN day END) AS since_returned,
  as_of - MAX(CASE WHEN quantity = 'service_failure' THEN day END) AS since_service_failure,
  as_of - MAX(CASE WHEN quantity = 'service_failure_seller_fault' THEN day END) AS since_service_failure_seller_fault,
  as_of - MAX(CASE WHEN quantity = 'unanswered_48h' THEN day END) AS since_unanswered_48h
FROM eventful_days AS e
JOIN as_of_days AS d
  ON d.as_of >= e.since AND d.as_of < e.until
GROUP BY
  seller_id,
  as_of;
