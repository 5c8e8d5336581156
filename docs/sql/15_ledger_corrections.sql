-- ledger_corrections: entries taken back by a later version: minus what they added.
-- One row: a seller, day and day of correction.
-- Reads: later_entries, seller_codes.
-- Columns: seller_id (varchar); effective_day (bigint); decided_day (integer); ordered, units, gross_cents,
-- new_item_orders, new_category_orders, shipped, handling_minutes, tracking_missing, overdue_to_ship, overdue_cleared,
-- overdue_shipped, overdue_cancelled, delivered, delivery_minutes, closed, late, late_seller_fault, late_carrier_fault,
-- late_platform_fault, cancelled, cancelled_by_seller, returned, returned_to_origin, returned_seller_fault,
-- refund_cents, matured_delivered, matured_returned, inquiry, item_not_received, not_as_described, unanswered_48h,
-- case_unresolved, feedback, low_rating, service_failure, service_failure_seller_fault (bigint).
-- Written by make docs.

create or replace table ledger_corrections as
SELECT
  c.seller_id,
  day AS effective_day,
  replaced AS decided_day,
  CAST(SUM(CASE WHEN quantity = 0 THEN -added ELSE 0 END) AS BIGINT) AS ordered,
  CAST(SUM(CASE WHEN quantity = 1 THEN -added ELSE 0 END) AS BIGINT) AS units,
  CAST(SUM(CASE WHEN quantity = 2 THEN -added ELSE 0 END) AS BIGINT) AS gross_cents,
  CAST(SUM(CASE WHEN quantity = 3 THEN -added ELSE 0 END) AS BIGINT) AS new_item_orders,
  CAST(SUM(CASE WHEN quantity = 4 THEN -added ELSE 0 END) AS BIGINT) AS new_category_orders,
  CAST(SUM(CASE WHEN quantity = 5 THEN -added ELSE 0 END) AS BIGINT) AS shipped,
  CAST(SUM(CASE WHEN quantity = 6 THEN -added ELSE 0 END) AS BIGINT) AS handling_minutes,
  CAST(SUM(CASE WHEN quantity = 7 THEN -added ELSE 0 END) AS BIGINT) AS tracking_missing,
  CAST(SUM(CASE WHEN quantity = 8 THEN -added ELSE 0 END) AS BIGINT) AS overdue_to_ship,
  CAST(SUM(CASE WHEN quantity = 9 THEN -added ELSE 0 END) AS BIGINT) AS overdue_cleared,
  CAST(SUM(CASE WHEN quantity = 10 THEN -added ELSE 0 END) AS BIGINT) AS overdue_shipped,
  CAST(SUM(CASE WHEN quantity = 11 THEN -added ELSE 0 END) AS BIGINT) AS overdue_cancelled,
  CAST(SUM(CASE WHEN quantity = 12 THEN -added ELSE 0 END) AS BIGINT) AS delivered,
  CAST(SUM(CASE WHEN quantity = 13 THEN -added ELSE 0 END) AS BIGINT) AS delivery_minutes,
  CAST(SUM(CASE WHEN quantity = 14 THEN -added ELSE 0 END) AS BIGINT) AS closed,
  CAST(SUM(CASE WHEN quantity = 15 THEN -added ELSE 0 END) AS BIGINT) AS late,
  CAST(SUM(CASE WHEN quantity = 16 THEN -added ELSE 0 END) AS BIGINT) AS late_seller_fault,
  CAST(SUM(CASE WHEN quantity = 17 THEN -added ELSE 0 END) AS BIGINT) AS late_carrier_fault,
  CAST(SUM(CASE WHEN quantity = 18 THEN -added ELSE 0 END) AS BIGINT) AS late_platform_fault,
  CAST(SUM(CASE WHEN quantity = 19 THEN -added ELSE 0 END) AS BIGINT) AS cancelled,
  CAST(SUM(CASE WHEN quantity = 20 THEN -added ELSE 0 END) AS BIGINT) AS cancelled_by_seller,
  CAST(SUM(CASE WHEN quantity = 21 THEN -added ELSE 0 END) AS BIGINT) AS returned,
  CAST(SUM(CASE WHEN quantity = 22 THEN -added ELSE 0 END) AS BIGINT) AS returned_to_origin,
  CAST(SUM(CASE WHEN quantity = 23 THEN -added ELSE 0 END) AS BIGINT) AS returned_seller_fault,
  CAST(SUM(CASE WHEN quantity = 24 THEN -added ELSE 0 END) AS BIGINT) AS refund_cents,
  CAST(SUM(CASE WHEN quantity = 25 THEN -added ELSE 0 END) AS BIGINT) AS matured_delivered,
  CAST(SUM(CASE WHEN quantity = 26 THEN -added ELSE 0 END) AS BIGINT) AS matured_returned,
  CAST(SUM(CASE WHEN quantity = 27 THEN -added ELSE 0 END) AS BIGINT) AS inquiry,
  CAST(SUM(CASE WHEN quantity = 28 THEN -added ELSE 0 END) AS BIGINT) AS item_not_received,
  CAST(SUM(CASE WHEN quantity = 29 THEN -added ELSE 0 END) AS BIGINT) AS not_as_described,
  CAST(SUM(CASE WHEN quantity = 30 THEN -added ELSE 0 END) AS BIGINT) AS unanswered_48h,
  CAST(SUM(CASE WHEN quantity = 31 THEN -added ELSE 0 END) AS BIGINT) AS case_unresolved,
  CAST(SUM(CASE WHEN quantity = 32 THEN -added ELSE 0 END) AS BIGINT) AS feedback,
  CAST(SUM(CASE WHEN quantity = 33 THEN -added ELSE 0 END) AS BIGINT) AS low_rating,
  CAST(SUM(CASE WHEN quantity = 34 THEN -added ELSE 0 END) AS BIGINT) AS service_failure,
  CAST(SUM(CASE WHEN quantity = 35 THEN -added ELSE 0 END) AS BIGINT) AS service_failure_seller_fault
FROM later_entries AS r
JOIN seller_codes AS c
  ON c.seller = r.seller
WHERE
  replaced < 1000000
GROUP BY
  c.seller_id,
  day,
  replaced;
