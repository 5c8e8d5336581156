-- ledger_weeks_1: the ledger with the end of the week that each day lies in.
-- One row: a seller and day.
-- Reads: ledger, week_of_1.
-- Columns: seller_id (varchar); day, ordered, units (integer); gross_cents (bigint); new_item_orders,
-- new_category_orders, shipped (integer); handling_minutes (bigint); tracking_missing, overdue_to_ship, overdue_cleared,
-- overdue_shipped, overdue_cancelled, delivered (integer); delivery_minutes (bigint); closed, late, late_seller_fault,
-- late_carrier_fault, late_platform_fault, cancelled, cancelled_by_seller, returned, returned_to_origin,
-- returned_seller_fault (integer); refund_cents (bigint); matured_delivered, matured_returned, inquiry,
-- item_not_received, not_as_described, unanswered_48h, case_unresolved, feedback, low_rating, service_failure,
-- service_failure_seller_fault (integer); seller (bigint); week_end (integer).
-- Written by make docs.

create or replace view ledger_weeks_1 as
SELECT
  l.*,
  e.week_end
FROM ledger AS l
JOIN week_of_1 AS e
  ON e.day = l.day;
