-- raw_windows: window sums before corrections.
-- One row: a seller and as-of day.
-- Reads: weekly_windows_1.
-- Columns: seller (bigint); as_of, tenure_days, cancelled_by_seller_14, cancelled_by_seller_16, cancelled_by_seller_180,
-- cancelled_by_seller_2, cancelled_by_seller_28, cancelled_by_seller_30, cancelled_by_seller_56, cancelled_by_seller_60,
-- cancelled_by_seller_7, cancelled_by_seller_90, case_unresolved_14, case_unresolved_180, case_unresolved_28,
-- case_unresolved_32, case_unresolved_4, case_unresolved_46, case_unresolved_56, case_unresolved_60, case_unresolved_7,
-- case_unresolved_90, closed_all, delivered_14, delivered_180, delivered_28, delivered_32, delivered_336, delivered_364,
-- delivered_392, delivered_4, delivered_46, delivered_56, delivered_60, delivered_7, delivered_90 (integer);
-- delivery_minutes_28, delivery_minutes_60, delivery_minutes_90, gross_cents_180, gross_cents_28, gross_cents_60,
-- handling_minutes_28, handling_minutes_60, handling_minutes_90 (bigint); inquiry_14, inquiry_16, inquiry_2, inquiry_28,
-- inquiry_30, inquiry_56, inquiry_60, inquiry_7, item_not_received_14, item_not_received_180, item_not_received_28,
-- item_not_received_32, item_not_received_4, item_not_received_46, item_not_received_56, item_not_received_60,
-- item_not_received_7, item_not_received_90, late_14, late_16, late_2, late_28, late_30, late_56, late_7,
-- late_carrier_fault_14, late_carrier_fault_28, late_carrier_fault_60, late_platform_fault_60, late_seller_fault_14,
-- late_seller_fault_180, late_seller_fault_28, late_seller_fault_60, late_seller_fault_7, late_seller_fault_90,
-- low_rating_14, low_rating_180, low_rating_28, low_rating_32, low_rating_4, low_rating_46, low_rating_56,
-- low_rating_60, low_rating_7, low_rating_90, matured_delivered_60, matured_returned_60, new_category_orders_28,
-- new_category_orders_90, new_item_orders_28, not_as_described_14, not_as_described_180, not_as_described_28,
-- not_as_described_32, not_as_described_4, not_as_described_46, not_as_described_56, not_as_described_60,
-- not_as_described_7, not_as_described_90, ordered_14, ordered_16, ordered_180, ordered_2, ordered_28, ordered_30,
-- ordered_32, ordered_336, ordered_364, ordered_392, ordered_4, ordered_46, ordered_56, ordered_60, ordered_7,
-- ordered_90, ordered_all, overdue_cancelled_28, overdue_cancelled_60, overdue_cleared_28, overdue_cleared_60,
-- overdue_cleared_all, overdue_shipped_14, overdue_shipped_28, overdue_shipped_60, overdue_to_ship_28,
-- overdue_to_ship_all (integer); refund_cents_60 (bigint); returned_14, returned_180, returned_28, returned_32,
-- returned_336, returned_364, returned_392, returned_4, returned_46, returned_56, returned_60, returned_7, returned_90,
-- returned_seller_fault_60, service_failure_14, service_failure_180, service_failure_28, service_failure_32,
-- service_failure_336, service_failure_364, service_failure_392, service_failure_4, service_failure_46,
-- service_failure_56, service_failure_60, service_failure_7, service_failure_90, service_failure_seller_fault_14,
-- service_failure_seller_fault_180, service_failure_seller_fault_28, service_failure_seller_fault_32,
-- service_failure_seller_fault_4, service_failure_seller_fault_46, service_failure_seller_fault_56,
-- service_failure_seller_fault_60, service_failure_seller_fault_7, service_failure_seller_fault_90, shipped_14,
-- shipped_16, shipped_2, shipped_28, shipped_30, shipped_56, shipped_60, shipped_7, shipped_90, tracking_missing_14,
-- tracking_missing_16, tracking_missing_2, tracking_missing_28, tracking_missing_30, tracking_missing_56,
-- tracking_missing_7, unanswered_48h_14, unanswered_48h_16, unanswered_48h_180, unanswered_48h_2, unanswered_48h_28,
-- unanswered_48h_30, unanswered_48h_56, unanswered_48h_60, unanswered_48h_7, units_180, units_28, units_60 (integer).
-- Written by make docs.

create or replace view raw_windows as
SELECT
  *
FROM weekly_windows_1;
