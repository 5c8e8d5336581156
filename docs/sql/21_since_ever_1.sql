-- since_ever_1: sums since a seller's first day, and the same without the last days of the week; two counts in one
-- number.
-- One row: a seller and week's end.
-- Reads: ledger, ledger_weeks_1, week_ends_1.
-- Columns: seller (bigint); as_of, first_ordered (integer); entry, ordered__delivered, ordered__delivered_before2,
-- ordered__delivered_before4, ordered__delivered_before5, ordered__delivered_before6, returned__service_failure,
-- returned__service_failure_before4, returned__service_failure_before5, returned__service_failure_before6,
-- cancelled_by_seller__shipped, cancelled_by_seller__shipped_before2, cancelled_by_seller__shipped_before4,
-- cancelled_by_seller__shipped_before5, cancelled_by_seller__shipped_before6, case_unresolved__item_not_received,
-- case_unresolved__item_not_received_before4, case_unresolved__item_not_received_before5,
-- case_unresolved__item_not_received_before6, low_rating__not_as_described, low_rating__not_as_described_before4,
-- low_rating__not_as_described_before5, low_rating__not_as_described_before6,
-- service_failure_seller_fault__unanswered_48h, service_failure_seller_fault__unanswered_48h_before2,
-- service_failure_seller_fault__unanswered_48h_before4, service_failure_seller_fault__unanswered_48h_before5,
-- service_failure_seller_fault__unanswered_48h_before6, inquiry__late, inquiry__late_before2, inquiry__late_before4,
-- tracking_missing__late_seller_fault, tracking_missing__late_seller_fault_before2,
-- tracking_missing__late_seller_fault_before4, tracking_missing__late_seller_fault_before5,
-- tracking_missing__late_seller_fault_before6, late_carrier_fault__overdue_shipped,
-- late_carrier_fault__overdue_shipped_before4, overdue_cleared__units, overdue_cleared__units_before4,
-- overdue_cleared__units_before5, new_category_orders__overdue_cancelled,
-- new_category_orders__overdue_cancelled_before4, new_category_orders__overdue_cancelled_before6,
-- overdue_to_ship__closed, late_platform_fault__matured_delivered, late_platform_fault__matured_delivered_before4,
-- matured_returned__returned_seller_fault, matured_returned__returned_seller_fault_before4, new_item_orders,
-- delivery_minutes, delivery_minutes_before4, delivery_minutes_before6, entries, entries_before1, gross_cents,
-- gross_cents_before4, gross_cents_before5, handling_minutes, handling_minutes_before4, handling_minutes_before6,
-- refund_cents, refund_cents_before4 (bigint).
-- Written by make docs.

create or replace view since_ever_1 as
SELECT
  seller,
  as_of,
  first_ordered,
  entry,
  ordered__delivered,
  ordered__delivered - ordered__delivered_tail2 AS ordered__delivered_before2,
  ordered__delivered - ordered__delivered_tail4 AS ordered__delivered_before4,
  ordered__delivered - ordered__delivered_tail5 AS ordered__delivered_before5,
  ordered__delivered - ordered__delivered_tail6 AS ordered__delivered_before6,
  returned__service_failure,
  returned__service_failure - returned__service_failure_tail4 AS returned__service_failure_before4,
  returned__service_failure - returned__service_failure_tail5 AS returned__service_failure_before5,
  returned__service_failure - returned__service_failure_tail6 AS returned__service_failure_before6,
  cancelled_by_seller__shipped,
  cancelled_by_seller__shipped - cancelled_by_seller__shipped_tail2 AS cancelled_by_seller__shipped_before2,
  cancelled_by_seller__shipped - cancelled_by_seller__shipped_tail4 AS cancelled_by_seller__shipped_before4,
  cancelled_by_seller__shipped - cancelled_by_seller__shipped_tail5 AS cancelled_by_seller__shipped_before5,
  cancelled_by_seller__shipped - cancelled_by_seller__shipped_tail6 AS cancelled_by_seller__shipped_before6,
  case_unresolved__item_not_received,
  case_unresolved__item_not_received - case_unresolved__item_not_received_tail4 AS case_unresolved__item_not_received_before4,
  case_unresolved__item_not_received - case_unresolved__item_not_received_tail5 AS case_unresolved__item_not_received_before5,
  case_unresolved__item_not_received - case_unresolved__item_not_received_tail6 AS case_unresolved__item_not_received_before6,
  low_rating__not_as_described,
  low_rating__not_as_described - low_rating__not_as_described_tail4 AS low_rating__not_as_described_before4,
  low_rating__not_as_described - low_rating__not_as_described_tail5 AS low_rating__not_as_described_before5,
  low_rating__not_as_described - low_rating__not_as_described_tail6 AS low_rating__not_as_described_before6,
  service_failure_seller_fault__unanswered_48h,
  service_failure_seller_fault__unanswered_48h - service_failure_seller_fault__unanswered_48h_tail2 AS service_failure_seller_fault__unanswered_48h_before2,
  service_failure_seller_fault__unanswered_48h - service_failure_seller_fault__unanswered_48h_tail4 AS service_failure_seller_fault__unanswered_48h_before4,
  service_failure_seller_fault__unanswered_48h - service_failure_seller_fault__unanswered_48h_tail5 AS service_failure_seller_fault__unanswered_48h_before5,
  service_failure_seller_fault__unanswered_48h - service_failure_seller_fault__unanswered_48h_tail6 AS service_failure_seller_fault__unanswered_48h_before6,
  inquiry__late,
  inquiry__late - inquiry__late_tail2 AS inquiry__late_before2,
  inquiry__late - inquiry__late_tail4 AS inquiry__late_before4,
  tracking_missing__late_seller_fault,
  tracking_missing__late_seller_fault - tracking_missing__late_seller_fault_tail2 AS tracking_missing__late_seller_fault_before2,
  tracking_missing__late_seller_fault - tracking_missing__late_seller_fault_tail4 AS tracking_missing__late_seller_fault_before4,
  tracking_missing__late_seller_fault - tracking_missing__late_seller_fault_tail5 AS tracking_missing__late_seller_fault_before5,
  tracking_missing__late_seller_fault - tracking_missing__late_seller_fault_tail6 AS tracking_missing__late_seller_fault_before6,
  late_carrier_fault__overdue_shipped,
  late_carrier_fault__overdue_shipped - late_carrier_fault__overdue_shipped_tail4 AS late_carrier_fault__overdue_shipped_before4,
  overdue_cleared__units,
  overdue_cleared__units - overdue_cleared__units_tail4 AS overdue_cleared__units_before4,
  overdue_cleared__units - overdue_cleared__units_tail5 AS overdue_cleared__units_before5,
  new_category_orders__overdue_cancelled,
  new_category_orders__overdue_cancelled - new_category_orders__overdue_cancelled_tail4 AS new_category_orders__overdue_cancelled_before4,
  new_category_orders__overdue_cancelled - new_category_orders__overdue_cancelled_tail6 AS new_category_orders__overdue_cancelled_before6,
  overdue_to_ship__closed,
  late_platform_fault__matured_delivered,
  late_platform_fault__matured_delivered - late_platform_fault__matured_delivered_tail4 AS late_platform_fault__matured_delivered_before4,
  matured_returned__returned_seller_fault,
  matured_returned__returned_seller_fault - matured_returned__returned_seller_fault_tail4 AS matured_returned__returned_seller_fault_before4,
  new_item_orders,
  delivery_minutes,
  delivery_minutes - delivery_minutes_tail4 AS delivery_minutes_before4,
  delivery_minutes - delivery_minutes_tail6 AS delivery_minutes_before6,
  entries,
  entries - entries_tail1 AS entries_before1,
  gross_cents,
  gross_cents - gross_cents_tail4 AS gross_cents_before4,
  gross_cents - gross_cents_tail5 AS gross_cents_before5,
  handling_minutes,
  handling_minutes - handling_minutes_tail4 AS handling_minutes_before4,
  handling_minutes - handling_minutes_tail6 AS handling_minutes_before6,
  refund_cents,
  refund_cents - refund_cents_tail4 AS refund_cents_before4
FROM (
  SELECT
    g.*,
    CAST(SUM(COALESCE(w10.ordered, 0) + COALESCE(w4.delivered, 0) * 4294967296) OVER so_far AS BIGINT) AS ordered__delivered,
    COALESCE(w10.ordered_tail2, 0) + 0 * 4294967296 AS ordered__delivered_tail2,
    COALESCE(w10.ordered_tail4, 0) + COALESCE(w4.delivered_tail4, 0) * 4294967296 AS ordered__delivered_tail4,
    COALESCE(w10.ordered_tail5, 0) + COALESCE(w4.delivered_tail5, 0) * 4294967296 AS ordered__delivered_tail5,
    COALESCE(w10.ordered_tail6, 0) + COALESCE(w4.delivered_tail6, 0) * 4294967296 AS ordered__delivered_tail6,
    CAST(SUM(COALESCE(w7.returned, 0) + COALESCE(w16.service_failure, 0) * 4294967296) OVER so_far AS BIGINT) AS returned__service_failure,
    COALESCE(w7.returned_tail4, 0) + COALESCE(w16.service_failure_tail4, 0) * 4294967296 AS returned__service_failure_tail4,
    COALESCE(w7.returned_tail5, 0) + COALESCE(w16.service_failure_tail5, 0) * 4294967296 AS returned__service_failure_tail5,
    COALESCE(w7.returned_tail6, 0) + COALESCE(w16.service_failure_tail6, 0) * 4294967296 AS returned__service_failure_tail6,
    CAST(SUM(COALESCE(w1.cancelled_by_seller, 0) + COALESCE(w14.shipped, 0) * 4294967296) OVER so_far AS BIGINT) AS cancelled_by_seller__shipped,
    COALESCE(w1.cancelled_by_seller_tail2, 0) + COALESCE(w14.shipped_tail2, 0) * 4294967296 AS cancelled_by_seller__shipped_tail2,
    COALESCE(w1.cancelled_by_seller_tail4, 0) + COALESCE(w14.shipped_tail4, 0) * 4294967296 AS cancelled_by_seller__shipped_tail4,
    COALESCE(w1.cancelled_by_seller_tail5, 0) + 0 * 4294967296 AS cancelled_by_seller__shipped_tail5,
    COALESCE(w1.cancelled_by_seller_tail6, 0) + COALESCE(w14.shipped_tail6, 0) * 4294967296 AS cancelled_by_seller__shipped_tail6,
    CAST(SUM(COALESCE(w2.case_unresolved, 0) + COALESCE(w7.item_not_received, 0) * 4294967296) OVER so_far AS BIGINT) AS case_unresolved__item_not_received,
    COALESCE(w2.case_unresolved_tail4, 0) + COALESCE(w7.item_not_received_tail4, 0) * 4294967296 AS case_unresolved__item_not_received_tail4,
    COALESCE(w2.case_unresolved_tail5, 0) + COALESCE(w7.item_not_received_tail5, 0) * 4294967296 AS case_unresolved__item_not_received_tail5,
    COALESCE(w2.case_unresolved_tail6, 0) + COALESCE(w7.item_not_received_tail6, 0) * 4294967296 AS case_unresolved__item_not_received_tail6,
    CAST(SUM(COALESCE(w3.low_rating, 0) + COALESCE(w7.not_as_described, 0) * 4294967296) OVER so_far AS BIGINT) AS low_rating__not_as_described,
    COALESCE(w3.low_rating_tail4, 0) + COALESCE(w7.not_as_described_tail4, 0) * 4294967296 AS low_rating__not_as_described_tail4,
    COALESCE(w3.low_rating_tail5, 0) + COALESCE(w7.not_as_described_tail5, 0) * 4294967296 AS low_rating__not_as_described_tail5,
    COALESCE(w3.low_rating_tail6, 0) + COALESCE(w7.not_as_described_tail6, 0) * 4294967296 AS low_rating__not_as_described_tail6,
    CAST(SUM(
      COALESCE(w16.service_failure_seller_fault, 0) + COALESCE(w8.unanswered_48h, 0) * 4294967296
    ) OVER so_far AS BIGINT) AS service_failure_seller_fault__unanswered_48h,
    0 + COALESCE(w8.unanswered_48h_tail2, 0) * 4294967296 AS service_failure_seller_fault__unanswered_48h_tail2,
    COALESCE(w16.service_failure_seller_fault_tail4, 0) + COALESCE(w8.unanswered_48h_tail4, 0) * 4294967296 AS service_failure_seller_fault__unanswered_48h_tail4,
    COALESCE(w16.service_failure_seller_fault_tail5, 0) + COALESCE(w8.unanswered_48h_tail5, 0) * 4294967296 AS service_failure_seller_fault__unanswered_48h_tail5,
    COALESCE(w16.service_failure_seller_fault_tail6, 0) + 0 * 4294967296 AS service_failure_seller_fault__unanswered_48h_tail6,
    CAST(SUM(COALESCE(w7.inquiry, 0) + COALESCE(w11.late, 0) * 4294967296) OVER so_far AS BIGINT) AS inquiry__late,
    COALESCE(w7.inquiry_tail2, 0) + COALESCE(w11.late_tail2, 0) * 4294967296 AS inquiry__late_tail2,
    COALESCE(w7.inquiry_tail4, 0) + 0 * 4294967296 AS inquiry__late_tail4,
    CAST(SUM(
      COALESCE(w14.tracking_missing, 0) + COALESCE(w11.late_seller_fault, 0) * 4294967296
    ) OVER so_far AS BIGINT) AS tracking_missing__late_seller_fault,
    COALESCE(w14.tracking_missing_tail2, 0) + 0 * 4294967296 AS tracking_missing__late_seller_fault_tail2,
    0 + COALESCE(w11.late_seller_fault_tail4, 0) * 4294967296 AS tracking_missing__late_seller_fault_tail4,
    0 + COALESCE(w11.late_seller_fault_tail5, 0) * 4294967296 AS tracking_missing__late_seller_fault_tail5,
    0 + COALESCE(w11.late_seller_fault_tail6, 0) * 4294967296 AS tracking_missing__late_seller_fault_tail6,
    CAST(SUM(
      COALESCE(w11.late_carrier_fault, 0) + COALESCE(w14.overdue_shipped, 0) * 4294967296
    ) OVER so_far AS BIGINT) AS late_carrier_fault__overdue_shipped,
    COALESCE(w11.late_carrier_fault_tail4, 0) + COALESCE(w14.overdue_shipped_tail4, 0) * 4294967296 AS late_carrier_fault__overdue_shipped_tail4,
    CAST(SUM(COALESCE(w15.overdue_cleared, 0) + COALESCE(w10.units, 0) * 4294967296) OVER so_far AS BIGINT) AS overdue_cleared__units,
    COALESCE(w15.overdue_cleared_tail4, 0) + COALESCE(w10.units_tail4, 0) * 4294967296 AS overdue_cleared__units_tail4,
    0 + COALESCE(w10.units_tail5, 0) * 4294967296 AS overdue_cleared__units_tail5,
    CAST(SUM(
      COALESCE(w9.new_category_orders, 0) + COALESCE(w1.overdue_cancelled, 0) * 4294967296
    ) OVER so_far AS BIGINT) AS new_category_orders__overdue_cancelled,
    0 + COALESCE(w1.overdue_cancelled_tail4, 0) * 4294967296 AS new_category_orders__overdue_cancelled_tail4,
    COALESCE(w9.new_category_orders_tail6, 0) + 0 * 4294967296 AS new_category_orders__overdue_cancelled_tail6,
    CAST(SUM(COALESCE(w13.overdue_to_ship, 0) + COALESCE(w6.closed, 0) * 4294967296) OVER so_far AS BIGINT) AS overdue_to_ship__closed,
    CAST(SUM(
      COALESCE(w11.late_platform_fault, 0) + COALESCE(w5.matured_delivered, 0) * 4294967296
    ) OVER so_far AS BIGINT) AS late_platform_fault__matured_delivered,
    COALESCE(w11.late_platform_fault_tail4, 0) + COALESCE(w5.matured_delivered_tail4, 0) * 4294967296 AS late_platform_fault__matured_delivered_tail4,
    CAST(SUM(
      COALESCE(w5.matured_returned, 0) + COALESCE(w12.returned_seller_fault, 0) * 4294967296
    ) OVER so_far AS BIGINT) AS matured_returned__returned_seller_fault,
    COALESCE(w5.matured_returned_tail4, 0) + COALESCE(w12.returned_seller_fault_tail4, 0) * 4294967296 AS matured_returned__returned_seller_fault_tail4,
    CAST(SUM(COALESCE(w9.new_item_orders, 0)) OVER so_far AS BIGINT) AS new_item_orders,
    CAST(SUM(COALESCE(w4.delivery_minutes, 0)) OVER so_far AS BIGINT) AS delivery_minutes,
    COALESCE(w4.delivery_minutes_tail4, 0) AS delivery_minutes_tail4,
    COALESCE(w4.delivery_minutes_tail6, 0) AS delivery_minutes_tail6,
    CAST(SUM(COALESCE(w0.entries, 0)) OVER so_far AS BIGINT) AS entries,
    COALESCE(w0.entries_tail1, 0) AS entries_tail1,
    CAST(SUM(COALESCE(w10.gross_cents, 0)) OVER so_far AS BIGINT) AS gross_cents,
    COALESCE(w10.gross_cents_tail4, 0) AS gross_cents_tail4,
    COALESCE(w10.gross_cents_tail5, 0) AS gross_cents_tail5,
    CAST(SUM(COALESCE(w14.handling_minutes, 0)) OVER so_far AS BIGINT) AS handling_minutes,
    COALESCE(w14.handling_minutes_tail4, 0) AS handling_minutes_tail4,
    COALESCE(w14.handling_minutes_tail6, 0) AS handling_minutes_tail6,
    CAST(SUM(COALESCE(w12.refund_cents, 0)) OVER so_far AS BIGINT) AS refund_cents,
    COALESCE(w12.refund_cents_tail4, 0) AS refund_cents_tail4
  FROM (
    SELECT
      CAST(s.seller AS BIGINT) * 2097152 + (
        e.as_of + 1000000
      ) AS entry,
      s.seller,
      e.as_of,
      s.first_ordered
    FROM (
      SELECT
        seller,
        MIN(day) AS first_day,
        MIN(CASE WHEN ordered > 0 THEN day END) AS first_ordered
      FROM ledger
      GROUP BY
        seller
    ) AS s
    JOIN week_ends_1 AS e
      ON e.as_of >= s.first_day
  ) AS g
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(entries) AS INT) AS entries,
      CAST(SUM(CASE WHEN week_end - l.day < 1 THEN entries ELSE 0 END) AS INT) AS entries_tail1
    FROM (
      SELECT
        seller,
        day,
        week_end,
        1 AS entries
      FROM ledger_weeks_1
    ) AS l
    WHERE
      entries <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w0
    ON w0.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(cancelled_by_seller) AS INT) AS cancelled_by_seller,
      CAST(SUM(overdue_cancelled) AS INT) AS overdue_cancelled,
      CAST(SUM(CASE WHEN week_end - l.day < 2 THEN cancelled_by_seller ELSE 0 END) AS INT) AS cancelled_by_seller_tail2,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN cancelled_by_seller ELSE 0 END) AS INT) AS cancelled_by_seller_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 5 THEN cancelled_by_seller ELSE 0 END) AS INT) AS cancelled_by_seller_tail5,
      CAST(SUM(CASE WHEN week_end - l.day < 6 THEN cancelled_by_seller ELSE 0 END) AS INT) AS cancelled_by_seller_tail6,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN overdue_cancelled ELSE 0 END) AS INT) AS overdue_cancelled_tail4
    FROM (
      SELECT
        seller,
        day,
        week_end,
        cancelled_by_seller,
        overdue_cancelled
      FROM ledger_weeks_1
    ) AS l
    WHERE
      cancelled_by_seller <> 0 OR overdue_cancelled <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w1
    ON w1.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(case_unresolved) AS INT) AS case_unresolved,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN case_unresolved ELSE 0 END) AS INT) AS case_unresolved_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 5 THEN case_unresolved ELSE 0 END) AS INT) AS case_unresolved_tail5,
      CAST(SUM(CASE WHEN week_end - l.day < 6 THEN case_unresolved ELSE 0 END) AS INT) AS case_unresolved_tail6
    FROM (
      SELECT
        seller,
        day,
        week_end,
        case_unresolved
      FROM ledger_weeks_1
    ) AS l
    WHERE
      case_unresolved <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w2
    ON w2.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(low_rating) AS INT) AS low_rating,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN low_rating ELSE 0 END) AS INT) AS low_rating_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 5 THEN low_rating ELSE 0 END) AS INT) AS low_rating_tail5,
      CAST(SUM(CASE WHEN week_end - l.day < 6 THEN low_rating ELSE 0 END) AS INT) AS low_rating_tail6
    FROM (
      SELECT
        seller,
        day,
        week_end,
        low_rating
      FROM ledger_weeks_1
    ) AS l
    WHERE
      low_rating <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w3
    ON w3.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(delivered) AS INT) AS delivered,
      CAST(SUM(delivery_minutes) AS BIGINT) AS delivery_minutes,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN delivered ELSE 0 END) AS INT) AS delivered_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 5 THEN delivered ELSE 0 END) AS INT) AS delivered_tail5,
      CAST(SUM(CASE WHEN week_end - l.day < 6 THEN delivered ELSE 0 END) AS INT) AS delivered_tail6,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN delivery_minutes ELSE 0 END) AS BIGINT) AS delivery_minutes_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 6 THEN delivery_minutes ELSE 0 END) AS BIGINT) AS delivery_minutes_tail6
    FROM (
      SELECT
        seller,
        day,
        week_end,
        delivered,
        delivery_minutes
      FROM ledger_weeks_1
    ) AS l
    WHERE
      delivered <> 0 OR delivery_minutes <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w4
    ON w4.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(matured_delivered) AS INT) AS matured_delivered,
      CAST(SUM(matured_returned) AS INT) AS matured_returned,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN matured_delivered ELSE 0 END) AS INT) AS matured_delivered_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN matured_returned ELSE 0 END) AS INT) AS matured_returned_tail4
    FROM (
      SELECT
        seller,
        day,
        week_end,
        matured_delivered,
        matured_returned
      FROM ledger_weeks_1
    ) AS l
    WHERE
      matured_delivered <> 0 OR matured_returned <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w5
    ON w5.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(closed) AS INT) AS closed
    FROM (
      SELECT
        seller,
        day,
        week_end,
        closed
      FROM ledger_weeks_1
    ) AS l
    WHERE
      closed <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w6
    ON w6.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(inquiry) AS INT) AS inquiry,
      CAST(SUM(item_not_received) AS INT) AS item_not_received,
      CAST(SUM(not_as_described) AS INT) AS not_as_described,
      CAST(SUM(returned) AS INT) AS returned,
      CAST(SUM(CASE WHEN week_end - l.day < 2 THEN inquiry ELSE 0 END) AS INT) AS inquiry_tail2,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN inquiry ELSE 0 END) AS INT) AS inquiry_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN item_not_received ELSE 0 END) AS INT) AS item_not_received_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 5 THEN item_not_received ELSE 0 END) AS INT) AS item_not_received_tail5,
      CAST(SUM(CASE WHEN week_end - l.day < 6 THEN item_not_received ELSE 0 END) AS INT) AS item_not_received_tail6,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN not_as_described ELSE 0 END) AS INT) AS not_as_described_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 5 THEN not_as_described ELSE 0 END) AS INT) AS not_as_described_tail5,
      CAST(SUM(CASE WHEN week_end - l.day < 6 THEN not_as_described ELSE 0 END) AS INT) AS not_as_described_tail6,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN returned ELSE 0 END) AS INT) AS returned_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 5 THEN returned ELSE 0 END) AS INT) AS returned_tail5,
      CAST(SUM(CASE WHEN week_end - l.day < 6 THEN returned ELSE 0 END) AS INT) AS returned_tail6
    FROM (
      SELECT
        seller,
        day,
        week_end,
        inquiry,
        item_not_received,
        not_as_described,
        returned
      FROM ledger_weeks_1
    ) AS l
    WHERE
      inquiry <> 0 OR item_not_received <> 0 OR not_as_described <> 0 OR returned <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w7
    ON w7.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(unanswered_48h) AS INT) AS unanswered_48h,
      CAST(SUM(CASE WHEN week_end - l.day < 2 THEN unanswered_48h ELSE 0 END) AS INT) AS unanswered_48h_tail2,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN unanswered_48h ELSE 0 END) AS INT) AS unanswered_48h_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 5 THEN unanswered_48h ELSE 0 END) AS INT) AS unanswered_48h_tail5
    FROM (
      SELECT
        seller,
        day,
        week_end,
        unanswered_48h
      FROM ledger_weeks_1
    ) AS l
    WHERE
      unanswered_48h <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w8
    ON w8.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(new_category_orders) AS INT) AS new_category_orders,
      CAST(SUM(new_item_orders) AS INT) AS new_item_orders,
      CAST(SUM(CASE WHEN week_end - l.day < 6 THEN new_category_orders ELSE 0 END) AS INT) AS new_category_orders_tail6
    FROM (
      SELECT
        seller,
        day,
        week_end,
        new_category_orders,
        new_item_orders
      FROM ledger_weeks_1
    ) AS l
    WHERE
      new_category_orders <> 0 OR new_item_orders <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w9
    ON w9.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(gross_cents) AS BIGINT) AS gross_cents,
      CAST(SUM(ordered) AS INT) AS ordered,
      CAST(SUM(units) AS INT) AS units,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN gross_cents ELSE 0 END) AS BIGINT) AS gross_cents_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 5 THEN gross_cents ELSE 0 END) AS BIGINT) AS gross_cents_tail5,
      CAST(SUM(CASE WHEN week_end - l.day < 2 THEN ordered ELSE 0 END) AS INT) AS ordered_tail2,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN ordered ELSE 0 END) AS INT) AS ordered_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 5 THEN ordered ELSE 0 END) AS INT) AS ordered_tail5,
      CAST(SUM(CASE WHEN week_end - l.day < 6 THEN ordered ELSE 0 END) AS INT) AS ordered_tail6,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN units ELSE 0 END) AS INT) AS units_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 5 THEN units ELSE 0 END) AS INT) AS units_tail5
    FROM (
      SELECT
        seller,
        day,
        week_end,
        gross_cents,
        ordered,
        units
      FROM ledger_weeks_1
    ) AS l
    WHERE
      gross_cents <> 0 OR ordered <> 0 OR units <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w10
    ON w10.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(late) AS INT) AS late,
      CAST(SUM(late_carrier_fault) AS INT) AS late_carrier_fault,
      CAST(SUM(late_platform_fault) AS INT) AS late_platform_fault,
      CAST(SUM(late_seller_fault) AS INT) AS late_seller_fault,
      CAST(SUM(CASE WHEN week_end - l.day < 2 THEN late ELSE 0 END) AS INT) AS late_tail2,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN late_carrier_fault ELSE 0 END) AS INT) AS late_carrier_fault_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN late_platform_fault ELSE 0 END) AS INT) AS late_platform_fault_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN late_seller_fault ELSE 0 END) AS INT) AS late_seller_fault_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 5 THEN late_seller_fault ELSE 0 END) AS INT) AS late_seller_fault_tail5,
      CAST(SUM(CASE WHEN week_end - l.day < 6 THEN late_seller_fault ELSE 0 END) AS INT) AS late_seller_fault_tail6
    FROM (
      SELECT
        seller,
        day,
        week_end,
        late,
        late_carrier_fault,
        late_platform_fault,
        late_seller_fault
      FROM ledger_weeks_1
    ) AS l
    WHERE
      late <> 0
      OR late_carrier_fault <> 0
      OR late_platform_fault <> 0
      OR late_seller_fault <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w11
    ON w11.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(refund_cents) AS BIGINT) AS refund_cents,
      CAST(SUM(returned_seller_fault) AS INT) AS returned_seller_fault,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN refund_cents ELSE 0 END) AS BIGINT) AS refund_cents_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN returned_seller_fault ELSE 0 END) AS INT) AS returned_seller_fault_tail4
    FROM (
      SELECT
        seller,
        day,
        week_end,
        refund_cents,
        returned_seller_fault
      FROM ledger_weeks_1
    ) AS l
    WHERE
      refund_cents <> 0 OR returned_seller_fault <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w12
    ON w12.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(overdue_to_ship) AS INT) AS overdue_to_ship
    FROM (
      SELECT
        seller,
        day,
        week_end,
        overdue_to_ship
      FROM ledger_weeks_1
    ) AS l
    WHERE
      overdue_to_ship <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w13
    ON w13.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(handling_minutes) AS BIGINT) AS handling_minutes,
      CAST(SUM(overdue_shipped) AS INT) AS overdue_shipped,
      CAST(SUM(shipped) AS INT) AS shipped,
      CAST(SUM(tracking_missing) AS INT) AS tracking_missing,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN handling_minutes ELSE 0 END) AS BIGINT) AS handling_minutes_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 6 THEN handling_minutes ELSE 0 END) AS BIGINT) AS handling_minutes_tail6,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN overdue_shipped ELSE 0 END) AS INT) AS overdue_shipped_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 2 THEN shipped ELSE 0 END) AS INT) AS shipped_tail2,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN shipped ELSE 0 END) AS INT) AS shipped_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 6 THEN shipped ELSE 0 END) AS INT) AS shipped_tail6,
      CAST(SUM(CASE WHEN week_end - l.day < 2 THEN tracking_missing ELSE 0 END) AS INT) AS tracking_missing_tail2
    FROM (
      SELECT
        seller,
        day,
        week_end,
        handling_minutes,
        overdue_shipped,
        shipped,
        tracking_missing
      FROM ledger_weeks_1
    ) AS l
    WHERE
      handling_minutes <> 0
      OR overdue_shipped <> 0
      OR shipped <> 0
      OR tracking_missing <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w14
    ON w14.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(overdue_cleared) AS INT) AS overdue_cleared,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN overdue_cleared ELSE 0 END) AS INT) AS overdue_cleared_tail4
    FROM (
      SELECT
        seller,
        day,
        week_end,
        overdue_cleared
      FROM ledger_weeks_1
    ) AS l
    WHERE
      overdue_cleared <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w15
    ON w15.entry = g.entry
  LEFT JOIN (
    SELECT
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      ) AS entry,
      CAST(SUM(service_failure) AS INT) AS service_failure,
      CAST(SUM(service_failure_seller_fault) AS INT) AS service_failure_seller_fault,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN service_failure ELSE 0 END) AS INT) AS service_failure_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 5 THEN service_failure ELSE 0 END) AS INT) AS service_failure_tail5,
      CAST(SUM(CASE WHEN week_end - l.day < 6 THEN service_failure ELSE 0 END) AS INT) AS service_failure_tail6,
      CAST(SUM(CASE WHEN week_end - l.day < 4 THEN service_failure_seller_fault ELSE 0 END) AS INT) AS service_failure_seller_fault_tail4,
      CAST(SUM(CASE WHEN week_end - l.day < 5 THEN service_failure_seller_fault ELSE 0 END) AS INT) AS service_failure_seller_fault_tail5,
      CAST(SUM(CASE WHEN week_end - l.day < 6 THEN service_failure_seller_fault ELSE 0 END) AS INT) AS service_failure_seller_fault_tail6
    FROM (
      SELECT
        seller,
        day,
        week_end,
        service_failure,
        service_failure_seller_fault
      FROM ledger_weeks_1
    ) AS l
    WHERE
      service_failure <> 0 OR service_failure_seller_fault <> 0
    GROUP BY
      CAST(l.seller AS BIGINT) * 2097152 + (
        l.week_end + 1000000
      )
  ) AS w16
    ON w16.entry = g.entry
  WINDOW so_far AS (
    PARTITION BY g.seller
    ORDER BY g.as_of
    rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
  )
) AS r;
