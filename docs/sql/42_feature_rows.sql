-- feature_rows: the feature rows.
-- One row: a seller and as-of day.
-- Reads: attributes, figures, problem_orders, time_since, worst_items.
-- Columns: seller_id (varchar); as_of, tenure_days (integer); cancelled_by_seller_14, cancelled_by_seller_16,
-- cancelled_by_seller_180, cancelled_by_seller_2, cancelled_by_seller_28, cancelled_by_seller_30,
-- cancelled_by_seller_56, cancelled_by_seller_60, cancelled_by_seller_7, cancelled_by_seller_90, case_unresolved_14,
-- case_unresolved_180, case_unresolved_28, case_unresolved_32, case_unresolved_4, case_unresolved_46,
-- case_unresolved_56, case_unresolved_60, case_unresolved_7, case_unresolved_90, closed_all, delivered_14,
-- delivered_180, delivered_28, delivered_32, delivered_336, delivered_364, delivered_392, delivered_4, delivered_46,
-- delivered_56, delivered_60, delivered_7, delivered_90, delivery_minutes_28, delivery_minutes_60, delivery_minutes_90,
-- gross_cents_180, gross_cents_28, gross_cents_60, handling_minutes_28, handling_minutes_60, handling_minutes_90,
-- inquiry_14, inquiry_16, inquiry_2, inquiry_28, inquiry_30, inquiry_56, inquiry_60, inquiry_7, item_not_received_14,
-- item_not_received_180, item_not_received_28, item_not_received_32, item_not_received_4, item_not_received_46,
-- item_not_received_56, item_not_received_60, item_not_received_7, item_not_received_90, late_14, late_16, late_2,
-- late_28, late_30, late_56, late_7, late_carrier_fault_14, late_carrier_fault_28, late_carrier_fault_60,
-- late_platform_fault_60, late_seller_fault_14, late_seller_fault_180, late_seller_fault_28, late_seller_fault_60,
-- late_seller_fault_7, late_seller_fault_90, low_rating_14, low_rating_180, low_rating_28, low_rating_32, low_rating_4,
-- low_rating_46, low_rating_56, low_rating_60, low_rating_7, low_rating_90, matured_delivered_60, matured_returned_60,
-- new_category_orders_28, new_category_orders_90, new_item_orders_28, not_as_described_14, not_as_described_180,
-- not_as_described_28, not_as_described_32, not_as_described_4, not_as_described_46, not_as_described_56,
-- not_as_described_60, not_as_described_7, not_as_described_90, ordered_14, ordered_16, ordered_180, ordered_2,
-- ordered_28, ordered_30, ordered_32, ordered_336, ordered_364, ordered_392, ordered_4, ordered_46, ordered_56,
-- ordered_60, ordered_7, ordered_90, ordered_all, overdue_cancelled_28, overdue_cancelled_60, overdue_cleared_28,
-- overdue_cleared_60, overdue_cleared_all, overdue_shipped_14, overdue_shipped_28, overdue_shipped_60,
-- overdue_to_ship_28, overdue_to_ship_all, refund_cents_60, returned_14, returned_180, returned_28, returned_32,
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
-- unanswered_48h_30, unanswered_48h_56, unanswered_48h_60, unanswered_48h_7, units_180, units_28, units_60 (bigint);
-- category, item, region, fulfilment, size (varchar); category_ordered_14, category_ordered_28, category_ordered_60,
-- category_ordered_7, category_ordered_90, category_service_failure_14, category_service_failure_28,
-- category_service_failure_60, category_service_failure_7, category_service_failure_90, item_ordered_28,
-- item_ordered_60, item_service_failure_28, item_service_failure_60, market_cancelled_by_seller_14,
-- market_cancelled_by_seller_30, market_case_unresolved_60, market_delivered_336, market_delivered_364,
-- market_delivered_392, market_delivered_60, market_inquiry_30, market_item_not_received_60, market_late_14,
-- market_late_30, market_late_carrier_fault_60, market_low_rating_60, market_not_as_described_60, market_ordered_14,
-- market_ordered_28, market_ordered_30, market_ordered_336, market_ordered_364, market_ordered_392, market_ordered_60,
-- market_ordered_7, market_ordered_90, market_returned_336, market_returned_364, market_returned_392,
-- market_returned_60, market_service_failure_14, market_service_failure_28, market_service_failure_336,
-- market_service_failure_364, market_service_failure_392, market_service_failure_60, market_service_failure_7,
-- market_service_failure_90, market_service_failure_seller_fault_14, market_service_failure_seller_fault_60,
-- market_shipped_30, market_tracking_missing_30, market_unanswered_48h_30, peer_cancelled_by_seller_30,
-- peer_cancelled_by_seller_60, peer_case_unresolved_60, peer_delivered_60, peer_delivery_minutes_60,
-- peer_handling_minutes_60, peer_inquiry_30, peer_inquiry_60, peer_item_not_received_60, peer_late_30,
-- peer_late_carrier_fault_60, peer_late_platform_fault_60, peer_late_seller_fault_60, peer_low_rating_60,
-- peer_matured_delivered_60, peer_matured_returned_60, peer_not_as_described_60, peer_ordered_30, peer_ordered_60,
-- peer_overdue_cancelled_60, peer_overdue_cleared_60, peer_overdue_shipped_60, peer_returned_60,
-- peer_returned_seller_fault_60, peer_service_failure_60, peer_service_failure_seller_fault_60, peer_shipped_30,
-- peer_shipped_60, peer_tracking_missing_30, peer_unanswered_48h_30, peer_unanswered_48h_60,
-- region_late_carrier_fault_14, region_late_carrier_fault_28, region_ordered_14, region_ordered_28, region_ordered_60,
-- region_ordered_7, region_ordered_90, region_service_failure_14, region_service_failure_28, region_service_failure_60,
-- region_service_failure_7, region_service_failure_90, peer_sellers (bigint); peer_group (varchar);
-- since_cancelled_by_seller, since_case_unresolved, since_item_not_received, since_late_seller_fault, since_low_rating,
-- since_not_as_described, since_returned, since_service_failure, since_service_failure_seller_fault,
-- since_unanswered_48h, item_deliveries, item_returns, worst_item_deliveries, worst_item_returns (bigint); worst_item
-- (varchar); disappointing_orders (bigint); new_category_disappointing (hugeint); new_category_troubles, order_troubles,
-- worst_item_troubles, worst_item_units (bigint); troubled_item (varchar); active (integer); orders_7, orders_14,
-- orders_28, orders_60, orders_90, orders_180, order_growth, order_growth_lately, tenure, service_failure_rate_7,
-- service_failure_rate_14, service_failure_rate_28, service_failure_rate_60, service_failure_rate_90,
-- service_failure_rate_180, service_failure_trend, market_service_failure_rate_7, market_service_failure_rate_14,
-- market_service_failure_rate_28, market_service_failure_rate_60, market_service_failure_rate_90,
-- market_returned_rate_60, category_service_failure_rate_7, category_service_failure_rate_14,
-- category_service_failure_rate_28, category_service_failure_rate_60, category_service_failure_rate_90,
-- region_service_failure_rate_7, region_service_failure_rate_14, region_service_failure_rate_28,
-- region_service_failure_rate_60, region_service_failure_rate_90, item_service_failure_rate_28,
-- item_service_failure_rate_60, peer_service_failure_rate_60, peer_returned_rate_60, market_growth, market_growth_ahead,
-- market_failures_ahead, market_returns_ahead, days_since_service_failure, service_failure_seller_fault_rate_7,
-- service_failure_seller_fault_rate_14, service_failure_seller_fault_rate_28, service_failure_seller_fault_rate_60,
-- service_failure_seller_fault_rate_90, service_failure_seller_fault_rate_180, service_failure_seller_fault_trend,
-- days_since_service_failure_seller_fault, late_seller_fault_rate_7, late_seller_fault_rate_14,
-- late_seller_fault_rate_28, late_seller_fault_rate_60, late_seller_fault_rate_90, late_seller_fault_rate_180,
-- late_seller_fault_trend, days_since_late_seller_fault, handling_slowdown, handling_against_peers,
-- overdue_shipped_rate_14, overdue_shipped_rate_28, overdue_to_be_shipped, late_carrier_fault_rate_14,
-- late_carrier_fault_rate_28, late_carrier_fault_rate_60, late_platform_fault_rate_60,
-- region_late_carrier_fault_rate_14, region_late_carrier_fault_rate_28, transit_slowdown, transit_against_peers,
-- cancelled_by_seller_rate_7, cancelled_by_seller_rate_14, cancelled_by_seller_rate_28, cancelled_by_seller_rate_60,
-- cancelled_by_seller_rate_90, cancelled_by_seller_rate_180, cancelled_by_seller_trend, days_since_cancelled_by_seller,
-- overdue_cancelled_rate_28, overdue_to_be_cancelled, returned_rate_7, returned_rate_14, returned_rate_28,
-- returned_rate_60, returned_rate_90, returned_rate_180, returned_trend, days_since_returned, matured_returned_rate_60,
-- returned_seller_fault_rate_60, refunded_share, worst_item_share, worst_item_excess, order_troubles_share,
-- item_troubles, item_troubles_excess, disappointing_share, new_item_orders_share, new_category_orders_share,
-- new_category_troubles_share, new_category_disappointing_share, new_category_growth, inquiry_rate_14, inquiry_rate_28,
-- inquiry_trend, unanswered_48h_rate_14, unanswered_48h_rate_28, days_since_unanswered_48h, item_not_received_rate_7,
-- item_not_received_rate_14, item_not_received_rate_28, item_not_received_rate_60, item_not_received_rate_90,
-- item_not_received_rate_180, days_since_item_not_received, not_as_described_rate_7, not_as_described_rate_14,
-- not_as_described_rate_28, not_as_described_rate_60, not_as_described_rate_90, not_as_described_rate_180,
-- days_since_not_as_described, case_unresolved_rate_7, case_unresolved_rate_14, case_unresolved_rate_28,
-- case_unresolved_rate_60, case_unresolved_rate_90, case_unresolved_rate_180, days_since_case_unresolved,
-- low_rating_rate_7, low_rating_rate_14, low_rating_rate_28, low_rating_rate_60, low_rating_rate_90,
-- low_rating_rate_180, low_rating_trend, days_since_low_rating, price_change (double).
-- Written by make docs.

create or replace view feature_rows as
SELECT
  r.*,
  CASE WHEN ordered_28 > 0 OR ordered_all > closed_all THEN 1 ELSE 0 END AS active,
  CAST(ordered_7 AS DOUBLE) AS orders_7,
  CAST(ordered_14 AS DOUBLE) AS orders_14,
  CAST(ordered_28 AS DOUBLE) AS orders_28,
  CAST(ordered_60 AS DOUBLE) AS orders_60,
  CAST(ordered_90 AS DOUBLE) AS orders_90,
  CAST(ordered_180 AS DOUBLE) AS orders_180,
  (
    ordered_28 + 5.0
  ) / (
    ordered_90 * 28.0 / 90.0 + 5.0
  ) AS order_growth,
  (
    ordered_14 + 5.0
  ) / (
    ordered_60 * 14.0 / 60.0 + 5.0
  ) AS order_growth_lately,
  CAST(LEAST(tenure_days, 90) AS DOUBLE) AS tenure,
  (
    service_failure_7 + 20.0 * COALESCE(peer_service_failure_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_7 + 20.0
  ) AS service_failure_rate_7,
  (
    service_failure_14 + 20.0 * COALESCE(peer_service_failure_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) AS service_failure_rate_14,
  (
    service_failure_28 + 20.0 * COALESCE(peer_service_failure_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_28 + 20.0
  ) AS service_failure_rate_28,
  (
    service_failure_60 + 20.0 * COALESCE(peer_service_failure_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS service_failure_rate_60,
  (
    service_failure_90 + 20.0 * COALESCE(peer_service_failure_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_90 + 20.0
  ) AS service_failure_rate_90,
  (
    service_failure_180 + 20.0 * COALESCE(peer_service_failure_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_180 + 20.0
  ) AS service_failure_rate_180,
  (
    service_failure_14 + 20.0 * COALESCE(peer_service_failure_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) - (
    service_failure_60 + 20.0 * COALESCE(peer_service_failure_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS service_failure_trend,
  (
    market_service_failure_7 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    market_ordered_7 + 5.0
  ) AS market_service_failure_rate_7,
  (
    market_service_failure_14 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    market_ordered_14 + 5.0
  ) AS market_service_failure_rate_14,
  (
    market_service_failure_28 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    market_ordered_28 + 5.0
  ) AS market_service_failure_rate_28,
  (
    market_service_failure_60 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    market_ordered_60 + 5.0
  ) AS market_service_failure_rate_60,
  (
    market_service_failure_90 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    market_ordered_90 + 5.0
  ) AS market_service_failure_rate_90,
  (
    market_returned_60 + 5.0 * COALESCE(market_returned_60 / NULLIF(market_delivered_60, 0), 0)
  ) / (
    market_delivered_60 + 5.0
  ) AS market_returned_rate_60,
  (
    category_service_failure_7 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    category_ordered_7 + 5.0
  ) AS category_service_failure_rate_7,
  (
    category_service_failure_14 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    category_ordered_14 + 5.0
  ) AS category_service_failure_rate_14,
  (
    category_service_failure_28 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    category_ordered_28 + 5.0
  ) AS category_service_failure_rate_28,
  (
    category_service_failure_60 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    category_ordered_60 + 5.0
  ) AS category_service_failure_rate_60,
  (
    category_service_failure_90 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    category_ordered_90 + 5.0
  ) AS category_service_failure_rate_90,
  (
    region_service_failure_7 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    region_ordered_7 + 5.0
  ) AS region_service_failure_rate_7,
  (
    region_service_failure_14 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    region_ordered_14 + 5.0
  ) AS region_service_failure_rate_14,
  (
    region_service_failure_28 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    region_ordered_28 + 5.0
  ) AS region_service_failure_rate_28,
  (
    region_service_failure_60 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    region_ordered_60 + 5.0
  ) AS region_service_failure_rate_60,
  (
    region_service_failure_90 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    region_ordered_90 + 5.0
  ) AS region_service_failure_rate_90,
  (
    GREATEST(item_service_failure_28 - service_failure_28, 0) + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    GREATEST(item_ordered_28 - ordered_28, 0) + 5.0
  ) AS item_service_failure_rate_28,
  (
    GREATEST(item_service_failure_60 - service_failure_60, 0) + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    GREATEST(item_ordered_60 - ordered_60, 0) + 5.0
  ) AS item_service_failure_rate_60,
  (
    peer_service_failure_60 + 5.0 * COALESCE(market_service_failure_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    peer_ordered_60 + 5.0
  ) AS peer_service_failure_rate_60,
  (
    peer_returned_60 + 5.0 * COALESCE(market_returned_60 / NULLIF(market_delivered_60, 0), 0)
  ) / (
    peer_delivered_60 + 5.0
  ) AS peer_returned_rate_60,
  (
    market_ordered_28 + 5.0
  ) / (
    market_ordered_90 * 28.0 / 90.0 + 5.0
  ) AS market_growth,
  (
    market_ordered_364 - market_ordered_336
  ) / NULLIF(CAST(market_ordered_392 - market_ordered_364 AS DOUBLE), 0) AS market_growth_ahead,
  (
    market_service_failure_364 - market_service_failure_336
  ) / NULLIF(CAST((
    market_ordered_364 - market_ordered_336
  ) AS DOUBLE), 0) - (
    market_service_failure_392 - market_service_failure_364
  ) / NULLIF(CAST((
    market_ordered_392 - market_ordered_364
  ) AS DOUBLE), 0) AS market_failures_ahead,
  (
    market_returned_364 - market_returned_336
  ) / NULLIF(CAST((
    market_delivered_364 - market_delivered_336
  ) AS DOUBLE), 0) - (
    market_returned_392 - market_returned_364
  ) / NULLIF(CAST((
    market_delivered_392 - market_delivered_364
  ) AS DOUBLE), 0) AS market_returns_ahead,
  CASE
    WHEN since_service_failure > 180
    THEN 180.0
    ELSE CAST(since_service_failure AS DOUBLE)
  END AS days_since_service_failure,
  (
    service_failure_seller_fault_7 + 20.0 * COALESCE(peer_service_failure_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_7 + 20.0
  ) AS service_failure_seller_fault_rate_7,
  (
    service_failure_seller_fault_14 + 20.0 * COALESCE(peer_service_failure_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) AS service_failure_seller_fault_rate_14,
  (
    service_failure_seller_fault_28 + 20.0 * COALESCE(peer_service_failure_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_28 + 20.0
  ) AS service_failure_seller_fault_rate_28,
  (
    service_failure_seller_fault_60 + 20.0 * COALESCE(peer_service_failure_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS service_failure_seller_fault_rate_60,
  (
    service_failure_seller_fault_90 + 20.0 * COALESCE(peer_service_failure_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_90 + 20.0
  ) AS service_failure_seller_fault_rate_90,
  (
    service_failure_seller_fault_180 + 20.0 * COALESCE(peer_service_failure_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_180 + 20.0
  ) AS service_failure_seller_fault_rate_180,
  (
    service_failure_seller_fault_14 + 20.0 * COALESCE(peer_service_failure_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) - (
    service_failure_seller_fault_60 + 20.0 * COALESCE(peer_service_failure_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS service_failure_seller_fault_trend,
  CASE
    WHEN since_service_failure_seller_fault > 180
    THEN 180.0
    ELSE CAST(since_service_failure_seller_fault AS DOUBLE)
  END AS days_since_service_failure_seller_fault,
  (
    late_seller_fault_7 + 20.0 * COALESCE(peer_late_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_7 + 20.0
  ) AS late_seller_fault_rate_7,
  (
    late_seller_fault_14 + 20.0 * COALESCE(peer_late_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) AS late_seller_fault_rate_14,
  (
    late_seller_fault_28 + 20.0 * COALESCE(peer_late_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_28 + 20.0
  ) AS late_seller_fault_rate_28,
  (
    late_seller_fault_60 + 20.0 * COALESCE(peer_late_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS late_seller_fault_rate_60,
  (
    late_seller_fault_90 + 20.0 * COALESCE(peer_late_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_90 + 20.0
  ) AS late_seller_fault_rate_90,
  (
    late_seller_fault_180 + 20.0 * COALESCE(peer_late_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_180 + 20.0
  ) AS late_seller_fault_rate_180,
  (
    late_seller_fault_14 + 20.0 * COALESCE(peer_late_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) - (
    late_seller_fault_60 + 20.0 * COALESCE(peer_late_seller_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS late_seller_fault_trend,
  CASE
    WHEN since_late_seller_fault > 180
    THEN 180.0
    ELSE CAST(since_late_seller_fault AS DOUBLE)
  END AS days_since_late_seller_fault,
  (
    handling_minutes_28 / NULLIF(CAST(shipped_28 AS DOUBLE), 0)
  ) / NULLIF(handling_minutes_90 / NULLIF(CAST(shipped_90 AS DOUBLE), 0), 0) AS handling_slowdown,
  (
    handling_minutes_28 / NULLIF(CAST(shipped_28 AS DOUBLE), 0)
  ) / NULLIF(peer_handling_minutes_60 / NULLIF(CAST(peer_shipped_60 AS DOUBLE), 0), 0) AS handling_against_peers,
  (
    overdue_shipped_14 + 20.0 * COALESCE(peer_overdue_shipped_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) AS overdue_shipped_rate_14,
  (
    overdue_shipped_28 + 20.0 * COALESCE(peer_overdue_shipped_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_28 + 20.0
  ) AS overdue_shipped_rate_28,
  (
    overdue_to_ship_all - overdue_cleared_all
  ) * (
    1 - LEAST(
      (
        overdue_cancelled_28 + 2.0 * COALESCE(peer_overdue_cancelled_60 / NULLIF(CAST(peer_overdue_cleared_60 AS DOUBLE), 0), 0)
      ) / (
        overdue_cleared_28 + 2.0
      ),
      1
    )
  ) / (
    ordered_28 + 5.0
  ) AS overdue_to_be_shipped,
  (
    late_carrier_fault_14 + 20.0 * COALESCE(peer_late_carrier_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) AS late_carrier_fault_rate_14,
  (
    late_carrier_fault_28 + 20.0 * COALESCE(peer_late_carrier_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_28 + 20.0
  ) AS late_carrier_fault_rate_28,
  (
    late_carrier_fault_60 + 20.0 * COALESCE(peer_late_carrier_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS late_carrier_fault_rate_60,
  (
    late_platform_fault_60 + 20.0 * COALESCE(peer_late_platform_fault_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS late_platform_fault_rate_60,
  (
    region_late_carrier_fault_14 + 5.0 * COALESCE(market_late_carrier_fault_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    region_ordered_14 + 5.0
  ) AS region_late_carrier_fault_rate_14,
  (
    region_late_carrier_fault_28 + 5.0 * COALESCE(market_late_carrier_fault_60 / NULLIF(market_ordered_60, 0), 0)
  ) / (
    region_ordered_28 + 5.0
  ) AS region_late_carrier_fault_rate_28,
  (
    delivery_minutes_28 / NULLIF(CAST(delivered_28 AS DOUBLE), 0) - handling_minutes_28 / NULLIF(CAST(shipped_28 AS DOUBLE), 0)
  ) / NULLIF(
    delivery_minutes_90 / NULLIF(CAST(delivered_90 AS DOUBLE), 0) - handling_minutes_90 / NULLIF(CAST(shipped_90 AS DOUBLE), 0),
    0
  ) AS transit_slowdown,
  (
    delivery_minutes_28 / NULLIF(CAST(delivered_28 AS DOUBLE), 0) - handling_minutes_28 / NULLIF(CAST(shipped_28 AS DOUBLE), 0)
  ) / NULLIF(
    peer_delivery_minutes_60 / NULLIF(CAST(peer_delivered_60 AS DOUBLE), 0) - peer_handling_minutes_60 / NULLIF(CAST(peer_shipped_60 AS DOUBLE), 0),
    0
  ) AS transit_against_peers,
  (
    cancelled_by_seller_7 + 20.0 * COALESCE(peer_cancelled_by_seller_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_7 + 20.0
  ) AS cancelled_by_seller_rate_7,
  (
    cancelled_by_seller_14 + 20.0 * COALESCE(peer_cancelled_by_seller_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) AS cancelled_by_seller_rate_14,
  (
    cancelled_by_seller_28 + 20.0 * COALESCE(peer_cancelled_by_seller_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_28 + 20.0
  ) AS cancelled_by_seller_rate_28,
  (
    cancelled_by_seller_60 + 20.0 * COALESCE(peer_cancelled_by_seller_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS cancelled_by_seller_rate_60,
  (
    cancelled_by_seller_90 + 20.0 * COALESCE(peer_cancelled_by_seller_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_90 + 20.0
  ) AS cancelled_by_seller_rate_90,
  (
    cancelled_by_seller_180 + 20.0 * COALESCE(peer_cancelled_by_seller_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_180 + 20.0
  ) AS cancelled_by_seller_rate_180,
  (
    cancelled_by_seller_14 + 20.0 * COALESCE(peer_cancelled_by_seller_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) - (
    cancelled_by_seller_60 + 20.0 * COALESCE(peer_cancelled_by_seller_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS cancelled_by_seller_trend,
  CASE
    WHEN since_cancelled_by_seller > 180
    THEN 180.0
    ELSE CAST(since_cancelled_by_seller AS DOUBLE)
  END AS days_since_cancelled_by_seller,
  (
    overdue_cancelled_28 + 20.0 * COALESCE(peer_overdue_cancelled_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_28 + 20.0
  ) AS overdue_cancelled_rate_28,
  (
    overdue_to_ship_all - overdue_cleared_all
  ) * LEAST(
    (
      overdue_cancelled_28 + 2.0 * COALESCE(peer_overdue_cancelled_60 / NULLIF(CAST(peer_overdue_cleared_60 AS DOUBLE), 0), 0)
    ) / (
      overdue_cleared_28 + 2.0
    ),
    1
  ) / (
    ordered_28 + 5.0
  ) AS overdue_to_be_cancelled,
  (
    returned_7 + 20.0 * COALESCE(peer_returned_60 / NULLIF(peer_delivered_60, 0), 0)
  ) / (
    delivered_7 + 20.0
  ) AS returned_rate_7,
  (
    returned_14 + 20.0 * COALESCE(peer_returned_60 / NULLIF(peer_delivered_60, 0), 0)
  ) / (
    delivered_14 + 20.0
  ) AS returned_rate_14,
  (
    returned_28 + 20.0 * COALESCE(peer_returned_60 / NULLIF(peer_delivered_60, 0), 0)
  ) / (
    delivered_28 + 20.0
  ) AS returned_rate_28,
  (
    returned_60 + 20.0 * COALESCE(peer_returned_60 / NULLIF(peer_delivered_60, 0), 0)
  ) / (
    delivered_60 + 20.0
  ) AS returned_rate_60,
  (
    returned_90 + 20.0 * COALESCE(peer_returned_60 / NULLIF(peer_delivered_60, 0), 0)
  ) / (
    delivered_90 + 20.0
  ) AS returned_rate_90,
  (
    returned_180 + 20.0 * COALESCE(peer_returned_60 / NULLIF(peer_delivered_60, 0), 0)
  ) / (
    delivered_180 + 20.0
  ) AS returned_rate_180,
  (
    returned_14 + 20.0 * COALESCE(peer_returned_60 / NULLIF(peer_delivered_60, 0), 0)
  ) / (
    delivered_14 + 20.0
  ) - (
    returned_60 + 20.0 * COALESCE(peer_returned_60 / NULLIF(peer_delivered_60, 0), 0)
  ) / (
    delivered_60 + 20.0
  ) AS returned_trend,
  CASE WHEN since_returned > 180 THEN 180.0 ELSE CAST(since_returned AS DOUBLE) END AS days_since_returned,
  (
    matured_returned_60 + 20.0 * COALESCE(peer_matured_returned_60 / NULLIF(peer_matured_delivered_60, 0), 0)
  ) / (
    matured_delivered_60 + 20.0
  ) AS matured_returned_rate_60,
  (
    returned_seller_fault_60 + 20.0 * COALESCE(peer_returned_seller_fault_60 / NULLIF(peer_delivered_60, 0), 0)
  ) / (
    delivered_60 + 20.0
  ) AS returned_seller_fault_rate_60,
  refund_cents_60 / NULLIF(CAST(gross_cents_60 AS DOUBLE), 0) AS refunded_share,
  worst_item_returns / NULLIF(CAST(item_returns AS DOUBLE), 0) AS worst_item_share,
  worst_item_returns / (
    worst_item_deliveries + 5.0
  ) - (
    item_returns - worst_item_returns
  ) / (
    item_deliveries - worst_item_deliveries + 5.0
  ) AS worst_item_excess,
  CAST(order_troubles AS DOUBLE) / (
    ordered_28 + 10.0
  ) AS order_troubles_share,
  worst_item_troubles / (
    ordered_28 + 10.0
  ) AS item_troubles,
  (
    worst_item_troubles - order_troubles * LEAST(worst_item_units / NULLIF(units_60, 0), 1)
  ) / (
    ordered_28 + 10.0
  ) AS item_troubles_excess,
  CAST(disappointing_orders AS DOUBLE) / (
    ordered_28 + 10.0
  ) AS disappointing_share,
  new_item_orders_28 / NULLIF(CAST(ordered_28 AS DOUBLE), 0) AS new_item_orders_share,
  new_category_orders_28 / NULLIF(CAST(ordered_28 AS DOUBLE), 0) AS new_category_orders_share,
  CAST(new_category_troubles AS DOUBLE) / (
    ordered_28 + 10.0
  ) AS new_category_troubles_share,
  CAST(new_category_disappointing AS DOUBLE) / (
    ordered_28 + 10.0
  ) AS new_category_disappointing_share,
  (
    new_category_orders_28 + 5.0
  ) / (
    new_category_orders_90 * 28.0 / 90.0 + 5.0
  ) AS new_category_growth,
  (
    inquiry_14 + 20.0 * COALESCE(peer_inquiry_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) AS inquiry_rate_14,
  (
    inquiry_28 + 20.0 * COALESCE(peer_inquiry_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_28 + 20.0
  ) AS inquiry_rate_28,
  (
    inquiry_14 + 20.0 * COALESCE(peer_inquiry_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) - (
    inquiry_60 + 20.0 * COALESCE(peer_inquiry_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS inquiry_trend,
  (
    unanswered_48h_14 + 20.0 * COALESCE(peer_unanswered_48h_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) AS unanswered_48h_rate_14,
  (
    unanswered_48h_28 + 20.0 * COALESCE(peer_unanswered_48h_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_28 + 20.0
  ) AS unanswered_48h_rate_28,
  CASE
    WHEN since_unanswered_48h > 180
    THEN 180.0
    ELSE CAST(since_unanswered_48h AS DOUBLE)
  END AS days_since_unanswered_48h,
  (
    item_not_received_7 + 20.0 * COALESCE(peer_item_not_received_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_7 + 20.0
  ) AS item_not_received_rate_7,
  (
    item_not_received_14 + 20.0 * COALESCE(peer_item_not_received_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) AS item_not_received_rate_14,
  (
    item_not_received_28 + 20.0 * COALESCE(peer_item_not_received_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_28 + 20.0
  ) AS item_not_received_rate_28,
  (
    item_not_received_60 + 20.0 * COALESCE(peer_item_not_received_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS item_not_received_rate_60,
  (
    item_not_received_90 + 20.0 * COALESCE(peer_item_not_received_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_90 + 20.0
  ) AS item_not_received_rate_90,
  (
    item_not_received_180 + 20.0 * COALESCE(peer_item_not_received_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_180 + 20.0
  ) AS item_not_received_rate_180,
  CASE
    WHEN since_item_not_received > 180
    THEN 180.0
    ELSE CAST(since_item_not_received AS DOUBLE)
  END AS days_since_item_not_received,
  (
    not_as_described_7 + 20.0 * COALESCE(peer_not_as_described_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_7 + 20.0
  ) AS not_as_described_rate_7,
  (
    not_as_described_14 + 20.0 * COALESCE(peer_not_as_described_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) AS not_as_described_rate_14,
  (
    not_as_described_28 + 20.0 * COALESCE(peer_not_as_described_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_28 + 20.0
  ) AS not_as_described_rate_28,
  (
    not_as_described_60 + 20.0 * COALESCE(peer_not_as_described_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS not_as_described_rate_60,
  (
    not_as_described_90 + 20.0 * COALESCE(peer_not_as_described_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_90 + 20.0
  ) AS not_as_described_rate_90,
  (
    not_as_described_180 + 20.0 * COALESCE(peer_not_as_described_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_180 + 20.0
  ) AS not_as_described_rate_180,
  CASE
    WHEN since_not_as_described > 180
    THEN 180.0
    ELSE CAST(since_not_as_described AS DOUBLE)
  END AS days_since_not_as_described,
  (
    case_unresolved_7 + 20.0 * COALESCE(peer_case_unresolved_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_7 + 20.0
  ) AS case_unresolved_rate_7,
  (
    case_unresolved_14 + 20.0 * COALESCE(peer_case_unresolved_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) AS case_unresolved_rate_14,
  (
    case_unresolved_28 + 20.0 * COALESCE(peer_case_unresolved_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_28 + 20.0
  ) AS case_unresolved_rate_28,
  (
    case_unresolved_60 + 20.0 * COALESCE(peer_case_unresolved_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS case_unresolved_rate_60,
  (
    case_unresolved_90 + 20.0 * COALESCE(peer_case_unresolved_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_90 + 20.0
  ) AS case_unresolved_rate_90,
  (
    case_unresolved_180 + 20.0 * COALESCE(peer_case_unresolved_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_180 + 20.0
  ) AS case_unresolved_rate_180,
  CASE
    WHEN since_case_unresolved > 180
    THEN 180.0
    ELSE CAST(since_case_unresolved AS DOUBLE)
  END AS days_since_case_unresolved,
  (
    low_rating_7 + 20.0 * COALESCE(peer_low_rating_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_7 + 20.0
  ) AS low_rating_rate_7,
  (
    low_rating_14 + 20.0 * COALESCE(peer_low_rating_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) AS low_rating_rate_14,
  (
    low_rating_28 + 20.0 * COALESCE(peer_low_rating_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_28 + 20.0
  ) AS low_rating_rate_28,
  (
    low_rating_60 + 20.0 * COALESCE(peer_low_rating_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS low_rating_rate_60,
  (
    low_rating_90 + 20.0 * COALESCE(peer_low_rating_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_90 + 20.0
  ) AS low_rating_rate_90,
  (
    low_rating_180 + 20.0 * COALESCE(peer_low_rating_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_180 + 20.0
  ) AS low_rating_rate_180,
  (
    low_rating_14 + 20.0 * COALESCE(peer_low_rating_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_14 + 20.0
  ) - (
    low_rating_60 + 20.0 * COALESCE(peer_low_rating_60 / NULLIF(peer_ordered_60, 0), 0)
  ) / (
    ordered_60 + 20.0
  ) AS low_rating_trend,
  CASE
    WHEN since_low_rating > 180
    THEN 180.0
    ELSE CAST(since_low_rating AS DOUBLE)
  END AS days_since_low_rating,
  (
    gross_cents_28 / NULLIF(CAST(units_28 AS DOUBLE), 0)
  ) / NULLIF(gross_cents_180 / NULLIF(CAST(units_180 AS DOUBLE), 0), 0) AS price_change
FROM (
  SELECT
    g.*,
    time_since.since_cancelled_by_seller,
    time_since.since_case_unresolved,
    time_since.since_item_not_received,
    time_since.since_late_seller_fault,
    time_since.since_low_rating,
    time_since.since_not_as_described,
    time_since.since_returned,
    time_since.since_service_failure,
    time_since.since_service_failure_seller_fault,
    time_since.since_unanswered_48h,
    COALESCE(worst_items.item_deliveries, 0) AS item_deliveries,
    COALESCE(worst_items.item_returns, 0) AS item_returns,
    COALESCE(worst_items.worst_item_deliveries, 0) AS worst_item_deliveries,
    COALESCE(worst_items.worst_item_returns, 0) AS worst_item_returns,
    COALESCE(worst_items.worst_item, '') AS worst_item,
    COALESCE(problem_orders.disappointing_orders, 0) AS disappointing_orders,
    COALESCE(problem_orders.new_category_disappointing, 0) AS new_category_disappointing,
    COALESCE(problem_orders.new_category_troubles, 0) AS new_category_troubles,
    COALESCE(problem_orders.order_troubles, 0) AS order_troubles,
    COALESCE(problem_orders.worst_item_troubles, 0) AS worst_item_troubles,
    COALESCE(problem_orders.worst_item_units, 0) AS worst_item_units,
    COALESCE(problem_orders.troubled_item, '') AS troubled_item
  FROM (
    SELECT
      a.*,
      COALESCE(f_category.ordered_14, 0) AS category_ordered_14,
      COALESCE(f_category.ordered_28, 0) AS category_ordered_28,
      COALESCE(f_category.ordered_60, 0) AS category_ordered_60,
      COALESCE(f_category.ordered_7, 0) AS category_ordered_7,
      COALESCE(f_category.ordered_90, 0) AS category_ordered_90,
      COALESCE(f_category.service_failure_14, 0) AS category_service_failure_14,
      COALESCE(f_category.service_failure_28, 0) AS category_service_failure_28,
      COALESCE(f_category.service_failure_60, 0) AS category_service_failure_60,
      COALESCE(f_category.service_failure_7, 0) AS category_service_failure_7,
      COALESCE(f_category.service_failure_90, 0) AS category_service_failure_90,
      COALESCE(f_item.ordered_28, 0) AS item_ordered_28,
      COALESCE(f_item.ordered_60, 0) AS item_ordered_60,
      COALESCE(f_item.service_failure_28, 0) AS item_service_failure_28,
      COALESCE(f_item.service_failure_60, 0) AS item_service_failure_60,
      COALESCE(f_market.cancelled_by_seller_14, 0) AS market_cancelled_by_seller_14,
      COALESCE(f_market.cancelled_by_seller_30, 0) AS market_cancelled_by_seller_30,
      COALESCE(f_market.case_unresolved_60, 0) AS market_case_unresolved_60,
      COALESCE(f_market.delivered_336, 0) AS market_delivered_336,
      COALESCE(f_market.delivered_364, 0) AS market_delivered_364,
      COALESCE(f_market.delivered_392, 0) AS market_delivered_392,
      COALESCE(f_market.delivered_60, 0) AS market_delivered_60,
      COALESCE(f_market.inquiry_30, 0) AS market_inquiry_30,
      COALESCE(f_market.item_not_received_60, 0) AS market_item_not_received_60,
      COALESCE(f_market.late_14, 0) AS market_late_14,
      COALESCE(f_market.late_30, 0) AS market_late_30,
      COALESCE(f_market.late_carrier_fault_60, 0) AS market_late_carrier_fault_60,
      COALESCE(f_market.low_rating_60, 0) AS market_low_rating_60,
      COALESCE(f_market.not_as_described_60, 0) AS market_not_as_described_60,
      COALESCE(f_market.ordered_14, 0) AS market_ordered_14,
      COALESCE(f_market.ordered_28, 0) AS market_ordered_28,
      COALESCE(f_market.ordered_30, 0) AS market_ordered_30,
      COALESCE(f_market.ordered_336, 0) AS market_ordered_336,
      COALESCE(f_market.ordered_364, 0) AS market_ordered_364,
      COALESCE(f_market.ordered_392, 0) AS market_ordered_392,
      COALESCE(f_market.ordered_60, 0) AS market_ordered_60,
      COALESCE(f_market.ordered_7, 0) AS market_ordered_7,
      COALESCE(f_market.ordered_90, 0) AS market_ordered_90,
      COALESCE(f_market.returned_336, 0) AS market_returned_336,
      COALESCE(f_market.returned_364, 0) AS market_returned_364,
      COALESCE(f_market.returned_392, 0) AS market_returned_392,
      COALESCE(f_market.returned_60, 0) AS market_returned_60,
      COALESCE(f_market.service_failure_14, 0) AS market_service_failure_14,
      COALESCE(f_market.service_failure_28, 0) AS market_service_failure_28,
      COALESCE(f_market.service_failure_336, 0) AS market_service_failure_336,
      COALESCE(f_market.service_failure_364, 0) AS market_service_failure_364,
      COALESCE(f_market.service_failure_392, 0) AS market_service_failure_392,
      COALESCE(f_market.service_failure_60, 0) AS market_service_failure_60,
      COALESCE(f_market.service_failure_7, 0) AS market_service_failure_7,
      COALESCE(f_market.service_failure_90, 0) AS market_service_failure_90,
      COALESCE(f_market.service_failure_seller_fault_14, 0) AS market_service_failure_seller_fault_14,
      COALESCE(f_market.service_failure_seller_fault_60, 0) AS market_service_failure_seller_fault_60,
      COALESCE(f_market.shipped_30, 0) AS market_shipped_30,
      COALESCE(f_market.tracking_missing_30, 0) AS market_tracking_missing_30,
      COALESCE(f_market.unanswered_48h_30, 0) AS market_unanswered_48h_30,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.cancelled_by_seller_30
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.cancelled_by_seller_30
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.cancelled_by_seller_30
          ELSE f_market.cancelled_by_seller_30
        END,
        0
      ) AS peer_cancelled_by_seller_30,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.cancelled_by_seller_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.cancelled_by_seller_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.cancelled_by_seller_60
          ELSE f_market.cancelled_by_seller_60
        END,
        0
      ) AS peer_cancelled_by_seller_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.case_unresolved_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.case_unresolved_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.case_unresolved_60
          ELSE f_market.case_unresolved_60
        END,
        0
      ) AS peer_case_unresolved_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.delivered_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.delivered_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.delivered_60
          ELSE f_market.delivered_60
        END,
        0
      ) AS peer_delivered_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.delivery_minutes_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.delivery_minutes_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.delivery_minutes_60
          ELSE f_market.delivery_minutes_60
        END,
        0
      ) AS peer_delivery_minutes_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.handling_minutes_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.handling_minutes_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.handling_minutes_60
          ELSE f_market.handling_minutes_60
        END,
        0
      ) AS peer_handling_minutes_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.inquiry_30
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.inquiry_30
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.inquiry_30
          ELSE f_market.inquiry_30
        END,
        0
      ) AS peer_inquiry_30,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.inquiry_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.inquiry_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.inquiry_60
          ELSE f_market.inquiry_60
        END,
        0
      ) AS peer_inquiry_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.item_not_received_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.item_not_received_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.item_not_received_60
          ELSE f_market.item_not_received_60
        END,
        0
      ) AS peer_item_not_received_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.late_30
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.late_30
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.late_30
          ELSE f_market.late_30
        END,
        0
      ) AS peer_late_30,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.late_carrier_fault_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.late_carrier_fault_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.late_carrier_fault_60
          ELSE f_market.late_carrier_fault_60
        END,
        0
      ) AS peer_late_carrier_fault_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.late_platform_fault_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.late_platform_fault_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.late_platform_fault_60
          ELSE f_market.late_platform_fault_60
        END,
        0
      ) AS peer_late_platform_fault_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.late_seller_fault_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.late_seller_fault_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.late_seller_fault_60
          ELSE f_market.late_seller_fault_60
        END,
        0
      ) AS peer_late_seller_fault_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.low_rating_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.low_rating_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.low_rating_60
          ELSE f_market.low_rating_60
        END,
        0
      ) AS peer_low_rating_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.matured_delivered_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.matured_delivered_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.matured_delivered_60
          ELSE f_market.matured_delivered_60
        END,
        0
      ) AS peer_matured_delivered_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.matured_returned_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.matured_returned_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.matured_returned_60
          ELSE f_market.matured_returned_60
        END,
        0
      ) AS peer_matured_returned_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.not_as_described_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.not_as_described_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.not_as_described_60
          ELSE f_market.not_as_described_60
        END,
        0
      ) AS peer_not_as_described_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.ordered_30
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.ordered_30
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.ordered_30
          ELSE f_market.ordered_30
        END,
        0
      ) AS peer_ordered_30,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.ordered_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.ordered_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.ordered_60
          ELSE f_market.ordered_60
        END,
        0
      ) AS peer_ordered_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.overdue_cancelled_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.overdue_cancelled_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.overdue_cancelled_60
          ELSE f_market.overdue_cancelled_60
        END,
        0
      ) AS peer_overdue_cancelled_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.overdue_cleared_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.overdue_cleared_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.overdue_cleared_60
          ELSE f_market.overdue_cleared_60
        END,
        0
      ) AS peer_overdue_cleared_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.overdue_shipped_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.overdue_shipped_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.overdue_shipped_60
          ELSE f_market.overdue_shipped_60
        END,
        0
      ) AS peer_overdue_shipped_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.returned_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.returned_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.returned_60
          ELSE f_market.returned_60
        END,
        0
      ) AS peer_returned_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.returned_seller_fault_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.returned_seller_fault_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.returned_seller_fault_60
          ELSE f_market.returned_seller_fault_60
        END,
        0
      ) AS peer_returned_seller_fault_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.service_failure_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.service_failure_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.service_failure_60
          ELSE f_market.service_failure_60
        END,
        0
      ) AS peer_service_failure_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.service_failure_seller_fault_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.service_failure_seller_fault_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.service_failure_seller_fault_60
          ELSE f_market.service_failure_seller_fault_60
        END,
        0
      ) AS peer_service_failure_seller_fault_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.shipped_30
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.shipped_30
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.shipped_30
          ELSE f_market.shipped_30
        END,
        0
      ) AS peer_shipped_30,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.shipped_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.shipped_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.shipped_60
          ELSE f_market.shipped_60
        END,
        0
      ) AS peer_shipped_60,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.tracking_missing_30
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.tracking_missing_30
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.tracking_missing_30
          ELSE f_market.tracking_missing_30
        END,
        0
      ) AS peer_tracking_missing_30,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.unanswered_48h_30
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.unanswered_48h_30
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.unanswered_48h_30
          ELSE f_market.unanswered_48h_30
        END,
        0
      ) AS peer_unanswered_48h_30,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.unanswered_48h_60
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.unanswered_48h_60
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.unanswered_48h_60
          ELSE f_market.unanswered_48h_60
        END,
        0
      ) AS peer_unanswered_48h_60,
      COALESCE(f_region.late_carrier_fault_14, 0) AS region_late_carrier_fault_14,
      COALESCE(f_region.late_carrier_fault_28, 0) AS region_late_carrier_fault_28,
      COALESCE(f_region.ordered_14, 0) AS region_ordered_14,
      COALESCE(f_region.ordered_28, 0) AS region_ordered_28,
      COALESCE(f_region.ordered_60, 0) AS region_ordered_60,
      COALESCE(f_region.ordered_7, 0) AS region_ordered_7,
      COALESCE(f_region.ordered_90, 0) AS region_ordered_90,
      COALESCE(f_region.service_failure_14, 0) AS region_service_failure_14,
      COALESCE(f_region.service_failure_28, 0) AS region_service_failure_28,
      COALESCE(f_region.service_failure_60, 0) AS region_service_failure_60,
      COALESCE(f_region.service_failure_7, 0) AS region_service_failure_7,
      COALESCE(f_region.service_failure_90, 0) AS region_service_failure_90,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.sellers
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.sellers
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.sellers
          ELSE f_market.sellers
        END,
        0
      ) AS peer_sellers,
      COALESCE(
        CASE
          WHEN f_peer_size.sellers >= 30
          THEN f_peer_size.name
          WHEN f_peer_fulfilment.sellers >= 30
          THEN f_peer_fulfilment.name
          WHEN f_peer_category.sellers >= 30
          THEN f_peer_category.name
          ELSE f_market.name
        END,
        ''
      ) AS peer_group
    FROM attributes AS a
    LEFT JOIN figures AS f_market
      ON f_market.level = 'market' AND f_market.as_of = a.as_of AND f_market.name = ''
    LEFT JOIN figures AS f_category
      ON f_category.level = 'category'
      AND f_category.as_of = a.as_of
      AND f_category.name = CONCAT_WS(' · ', NULLIF(a.category, ''))
    LEFT JOIN figures AS f_item
      ON f_item.level = 'item'
      AND f_item.as_of = a.as_of
      AND f_item.name = CONCAT_WS(' · ', NULLIF(a.item, ''))
    LEFT JOIN figures AS f_region
      ON f_region.level = 'region'
      AND f_region.as_of = a.as_of
      AND f_region.name = CONCAT_WS(' · ', NULLIF(a.region, ''))
    LEFT JOIN figures AS f_peer_category
      ON f_peer_category.level = 'peer_category'
      AND f_peer_category.as_of = a.as_of
      AND f_peer_category.name = CONCAT_WS(' · ', NULLIF(a.category, ''))
      AND a.category <> ''
      AND a.fulfilment <> ''
    LEFT JOIN figures AS f_peer_fulfilment
      ON f_peer_fulfilment.level = 'peer_fulfilment'
      AND f_peer_fulfilment.as_of = a.as_of
      AND f_peer_fulfilment.name = CONCAT_WS(' · ', NULLIF(a.category, ''), NULLIF(a.fulfilment, ''))
      AND a.category <> ''
      AND a.fulfilment <> ''
    LEFT JOIN figures AS f_peer_size
      ON f_peer_size.level = 'peer_size'
      AND f_peer_size.as_of = a.as_of
      AND f_peer_size.name = CONCAT_WS(' · ', NULLIF(a.category, ''), NULLIF(a.fulfilment, ''), NULLIF(a.size, ''))
      AND a.category <> ''
      AND a.fulfilment <> ''
  ) AS g
  LEFT JOIN time_since AS time_since
    ON time_since.seller_id = g.seller_id AND time_since.as_of = g.as_of
  LEFT JOIN worst_items AS worst_items
    ON worst_items.seller_id = g.seller_id AND worst_items.as_of = g.as_of
  LEFT JOIN problem_orders AS problem_orders
    ON problem_orders.seller_id = g.seller_id AND problem_orders.as_of = g.as_of
) AS r;
