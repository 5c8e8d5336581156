-- ledger: what became known of a seller on that day, as whole numbers that add up.
-- One row: a seller and day.
-- Reads: cases_versions, feedback_versions, later_entries, novelties, order_facts, returns_versions, seller_codes.
-- Columns: seller_id (varchar); day, ordered, units (integer); gross_cents (bigint); new_item_orders,
-- new_category_orders, shipped (integer); handling_minutes (bigint); tracking_missing, overdue_to_ship, overdue_cleared,
-- overdue_shipped, overdue_cancelled, delivered (integer); delivery_minutes (bigint); closed, late, late_seller_fault,
-- late_carrier_fault, late_platform_fault, cancelled, cancelled_by_seller, returned, returned_to_origin,
-- returned_seller_fault (integer); refund_cents (bigint); matured_delivered, matured_returned, inquiry,
-- item_not_received, not_as_described, unanswered_48h, case_unresolved, feedback, low_rating, service_failure,
-- service_failure_seller_fault (integer); seller (bigint).
-- Written by make docs.

create or replace table ledger as
SELECT
  c.seller_id,
  CAST(e.entry % 2097152 - 1000000 AS INT) AS day,
  e.ordered,
  e.units,
  e.gross_cents,
  e.new_item_orders,
  e.new_category_orders,
  e.shipped,
  e.handling_minutes,
  e.tracking_missing,
  e.overdue_to_ship,
  e.overdue_cleared,
  e.overdue_shipped,
  e.overdue_cancelled,
  e.delivered,
  e.delivery_minutes,
  e.closed,
  e.late,
  e.late_seller_fault,
  e.late_carrier_fault,
  e.late_platform_fault,
  e.cancelled,
  e.cancelled_by_seller,
  e.returned,
  e.returned_to_origin,
  e.returned_seller_fault,
  e.refund_cents,
  e.matured_delivered,
  e.matured_returned,
  e.inquiry,
  e.item_not_received,
  e.not_as_described,
  e.unanswered_48h,
  e.case_unresolved,
  e.feedback,
  e.low_rating,
  e.service_failure,
  e.service_failure_seller_fault,
  c.seller
FROM (
  SELECT
    entry,
    COALESCE(f0.ordered, 0) AS ordered,
    COALESCE(f0.units, 0) AS units,
    COALESCE(f0.gross_cents, 0) AS gross_cents,
    COALESCE(f5.new_item_orders, 0) AS new_item_orders,
    COALESCE(f5.new_category_orders, 0) AS new_category_orders,
    COALESCE(f1.shipped, 0) AS shipped,
    COALESCE(f1.handling_minutes, 0) AS handling_minutes,
    COALESCE(f1.tracking_missing, 0) AS tracking_missing,
    COALESCE(f5.overdue_to_ship, 0) AS overdue_to_ship,
    COALESCE(f5.overdue_cleared, 0) AS overdue_cleared,
    COALESCE(f5.overdue_shipped, 0) AS overdue_shipped,
    COALESCE(f5.overdue_cancelled, 0) AS overdue_cancelled,
    COALESCE(f2.delivered, 0) AS delivered,
    COALESCE(f2.delivery_minutes, 0) AS delivery_minutes,
    COALESCE(f2.closed, 0) + COALESCE(f5.closed, 0) AS closed,
    COALESCE(f5.late, 0) AS late,
    COALESCE(f5.late_seller_fault, 0) AS late_seller_fault,
    COALESCE(f5.late_carrier_fault, 0) AS late_carrier_fault,
    COALESCE(f5.late_platform_fault, 0) AS late_platform_fault,
    COALESCE(f5.cancelled, 0) AS cancelled,
    COALESCE(f5.cancelled_by_seller, 0) AS cancelled_by_seller,
    COALESCE(f5.returned, 0) AS returned,
    COALESCE(f5.returned_to_origin, 0) AS returned_to_origin,
    COALESCE(f5.returned_seller_fault, 0) AS returned_seller_fault,
    COALESCE(f5.refund_cents, 0) AS refund_cents,
    COALESCE(f3.matured_delivered, 0) AS matured_delivered,
    COALESCE(f3.matured_returned, 0) AS matured_returned,
    COALESCE(f5.inquiry, 0) AS inquiry,
    COALESCE(f5.item_not_received, 0) AS item_not_received,
    COALESCE(f5.not_as_described, 0) AS not_as_described,
    COALESCE(f5.unanswered_48h, 0) AS unanswered_48h,
    COALESCE(f5.case_unresolved, 0) AS case_unresolved,
    COALESCE(f4.feedback, 0) AS feedback,
    COALESCE(f4.low_rating, 0) AS low_rating,
    COALESCE(f5.service_failure, 0) AS service_failure,
    COALESCE(f5.service_failure_seller_fault, 0) AS service_failure_seller_fault
  FROM (
    SELECT
      entry,
      CAST(SUM(ordered) AS INT) AS ordered,
      CAST(SUM(units) AS INT) AS units,
      CAST(SUM(gross_cents) AS BIGINT) AS gross_cents,
      CAST(SUM(entries) AS INT) AS entries
    FROM (
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(ordered_day, since) + 1000000
        ) AS entry,
        1 AS ordered,
        units AS units,
        gross_cents AS gross_cents,
        3 AS entries
      FROM order_facts
      WHERE
        lone AND NOT ordered_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          day + 1000000
        ) AS entry,
        CASE WHEN quantity = 0 THEN added ELSE 0 END AS ordered,
        CASE WHEN quantity = 1 THEN added ELSE 0 END AS units,
        CASE WHEN quantity = 2 THEN added ELSE 0 END AS gross_cents,
        1 AS entries
      FROM later_entries
      WHERE
        quantity IN (0, 1, 2)
    ) AS d
    GROUP BY
      entry
  ) AS f0
  FULL JOIN (
    SELECT
      entry,
      CAST(SUM(shipped) AS INT) AS shipped,
      CAST(SUM(handling_minutes) AS BIGINT) AS handling_minutes,
      CAST(SUM(tracking_missing) AS INT) AS tracking_missing,
      CAST(SUM(entries) AS INT) AS entries
    FROM (
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(shipped_day, since) + 1000000
        ) AS entry,
        1 AS shipped,
        GREATEST(shipped_at - ordered_at, 0) // 60000000 AS handling_minutes,
        CASE WHEN untracked_at <= shipped_at THEN 1 ELSE 0 END AS tracking_missing,
        3 AS entries
      FROM order_facts
      WHERE
        lone AND NOT shipped_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          day + 1000000
        ) AS entry,
        CASE WHEN quantity = 5 THEN added ELSE 0 END AS shipped,
        CASE WHEN quantity = 6 THEN added ELSE 0 END AS handling_minutes,
        CASE WHEN quantity = 7 THEN added ELSE 0 END AS tracking_missing,
        1 AS entries
      FROM later_entries
      WHERE
        quantity IN (5, 6, 7)
    ) AS d
    GROUP BY
      entry
  ) AS f1
    USING (entry)
  FULL JOIN (
    SELECT
      entry,
      CAST(SUM(delivered) AS INT) AS delivered,
      CAST(SUM(delivery_minutes) AS BIGINT) AS delivery_minutes,
      CAST(SUM(closed) AS INT) AS closed,
      CAST(SUM(entries) AS INT) AS entries
    FROM (
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(delivered_day, since) + 1000000
        ) AS entry,
        1 AS delivered,
        GREATEST(delivered_at - ordered_at, 0) // 60000000 AS delivery_minutes,
        CASE WHEN closed_day = delivered_day THEN 1 ELSE 0 END AS closed,
        2 + CASE WHEN closed_day = delivered_day THEN 1 ELSE 0 END AS entries
      FROM order_facts
      WHERE
        lone AND NOT delivered_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          day + 1000000
        ) AS entry,
        CASE WHEN quantity = 12 THEN added ELSE 0 END AS delivered,
        CASE WHEN quantity = 13 THEN added ELSE 0 END AS delivery_minutes,
        CASE WHEN quantity = 14 THEN added ELSE 0 END AS closed,
        1 AS entries
      FROM later_entries
      WHERE
        quantity IN (12, 13, 14)
    ) AS d
    GROUP BY
      entry
  ) AS f2
    USING (entry)
  FULL JOIN (
    SELECT
      entry,
      CAST(SUM(matured_delivered) AS INT) AS matured_delivered,
      CAST(SUM(matured_returned) AS INT) AS matured_returned,
      CAST(SUM(entries) AS INT) AS entries
    FROM (
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(delivered_day + 30, since) + 1000000
        ) AS entry,
        1 AS matured_delivered,
        CASE WHEN returned_day <= delivered_day + 30 THEN 1 ELSE 0 END AS matured_returned,
        2 AS entries
      FROM order_facts
      WHERE
        lone AND NOT delivered_day + 30 IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          day + 1000000
        ) AS entry,
        CASE WHEN quantity = 25 THEN added ELSE 0 END AS matured_delivered,
        CASE WHEN quantity = 26 THEN added ELSE 0 END AS matured_returned,
        1 AS entries
      FROM later_entries
      WHERE
        quantity IN (25, 26)
    ) AS d
    GROUP BY
      entry
  ) AS f3
    USING (entry)
  FULL JOIN (
    SELECT
      entry,
      CAST(SUM(feedback) AS INT) AS feedback,
      CAST(SUM(low_rating) AS INT) AS low_rating,
      CAST(SUM(entries) AS INT) AS entries
    FROM (
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(created_at_day, valid_from) + 1000000
        ) AS entry,
        1 AS feedback,
        CASE WHEN rating <= 2 THEN 1 ELSE 0 END AS low_rating,
        2 AS entries
      FROM feedback_versions
      WHERE
        lone AND NOT created_at_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          day + 1000000
        ) AS entry,
        CASE WHEN quantity = 32 THEN added ELSE 0 END AS feedback,
        CASE WHEN quantity = 33 THEN added ELSE 0 END AS low_rating,
        1 AS entries
      FROM later_entries
      WHERE
        quantity IN (32, 33)
    ) AS d
    GROUP BY
      entry
  ) AS f4
    USING (entry)
  FULL JOIN (
    SELECT
      entry,
      CAST(SUM(overdue_to_ship) AS INT) AS overdue_to_ship,
      CAST(SUM(entries) AS INT) AS entries,
      CAST(SUM(overdue_cleared) AS INT) AS overdue_cleared,
      CAST(SUM(overdue_shipped) AS INT) AS overdue_shipped,
      CAST(SUM(overdue_cancelled) AS INT) AS overdue_cancelled,
      CAST(SUM(late) AS INT) AS late,
      CAST(SUM(late_seller_fault) AS INT) AS late_seller_fault,
      CAST(SUM(late_carrier_fault) AS INT) AS late_carrier_fault,
      CAST(SUM(late_platform_fault) AS INT) AS late_platform_fault,
      CAST(SUM(service_failure) AS INT) AS service_failure,
      CAST(SUM(service_failure_seller_fault) AS INT) AS service_failure_seller_fault,
      CAST(SUM(cancelled) AS INT) AS cancelled,
      CAST(SUM(cancelled_by_seller) AS INT) AS cancelled_by_seller,
      CAST(SUM(returned) AS INT) AS returned,
      CAST(SUM(returned_seller_fault) AS INT) AS returned_seller_fault,
      CAST(SUM(returned_to_origin) AS INT) AS returned_to_origin,
      CAST(SUM(new_item_orders) AS INT) AS new_item_orders,
      CAST(SUM(new_category_orders) AS INT) AS new_category_orders,
      CAST(SUM(refund_cents) AS BIGINT) AS refund_cents,
      CAST(SUM(inquiry) AS INT) AS inquiry,
      CAST(SUM(item_not_received) AS INT) AS item_not_received,
      CAST(SUM(not_as_described) AS INT) AS not_as_described,
      CAST(SUM(unanswered_48h) AS INT) AS unanswered_48h,
      CAST(SUM(case_unresolved) AS INT) AS case_unresolved,
      CAST(SUM(closed) AS INT) AS closed
    FROM (
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(overdue_day, since) + 1000000
        ) AS entry,
        1 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM order_facts
      WHERE
        lone AND NOT overdue_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(cleared_day, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 + CASE
          WHEN CASE WHEN overdue_day <= shipped_day THEN shipped_day END = cleared_day
          THEN 1
          ELSE 0
        END + CASE
          WHEN CASE WHEN overdue_day <= cancelled_seller_day THEN cancelled_seller_day END = cleared_day
          THEN 1
          ELSE 0
        END AS entries,
        1 AS overdue_cleared,
        CASE
          WHEN CASE WHEN overdue_day <= shipped_day THEN shipped_day END = cleared_day
          THEN 1
          ELSE 0
        END AS overdue_shipped,
        CASE
          WHEN CASE WHEN overdue_day <= cancelled_seller_day THEN cancelled_seller_day END = cleared_day
          THEN 1
          ELSE 0
        END AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM order_facts
      WHERE
        lone AND NOT cleared_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(late_day, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 + CASE WHEN late_own_day = late_day THEN 1 ELSE 0 END + CASE WHEN late_carrier_day = late_day THEN 1 ELSE 0 END + CASE WHEN late_platform_day = late_day THEN 1 ELSE 0 END + CASE WHEN failure_day = late_day THEN 1 ELSE 0 END + CASE WHEN failure_own_day = late_day THEN 1 ELSE 0 END AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        1 AS late,
        CASE WHEN late_own_day = late_day THEN 1 ELSE 0 END AS late_seller_fault,
        CASE WHEN late_carrier_day = late_day THEN 1 ELSE 0 END AS late_carrier_fault,
        CASE WHEN late_platform_day = late_day THEN 1 ELSE 0 END AS late_platform_fault,
        CASE WHEN failure_day = late_day THEN 1 ELSE 0 END AS service_failure,
        CASE WHEN failure_own_day = late_day THEN 1 ELSE 0 END AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM order_facts
      WHERE
        lone AND NOT late_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(cancelled_day, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 + CASE WHEN cancelled_seller_day = cancelled_day THEN 1 ELSE 0 END AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        1 AS cancelled,
        CASE WHEN cancelled_seller_day = cancelled_day THEN 1 ELSE 0 END AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM order_facts
      WHERE
        lone AND NOT cancelled_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(returned_day, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        1 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM order_facts
      WHERE
        lone AND NOT returned_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(returned_seller_day, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        1 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM order_facts
      WHERE
        lone AND NOT returned_seller_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(to_origin_day, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        1 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM order_facts
      WHERE
        lone AND NOT to_origin_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(new_item_day, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        1 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM novelties
      WHERE
        lone AND NOT new_item_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(new_category_day, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        1 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM novelties
      WHERE
        lone AND NOT new_category_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(refunded_at_day, valid_from) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        COALESCE(refund_cents, 0) AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM returns_versions
      WHERE
        lone AND NOT refunded_at_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(CASE WHEN kind = 'inquiry' THEN opened_at_day END, valid_from) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        1 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM cases_versions
      WHERE
        lone AND NOT CASE WHEN kind = 'inquiry' THEN opened_at_day END IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(CASE WHEN kind = 'item_not_received' THEN opened_at_day END, valid_from) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        1 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM cases_versions
      WHERE
        lone AND NOT CASE WHEN kind = 'item_not_received' THEN opened_at_day END IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(CASE WHEN kind = 'not_as_described' THEN opened_at_day END, valid_from) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        1 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM cases_versions
      WHERE
        lone AND NOT CASE WHEN kind = 'not_as_described' THEN opened_at_day END IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(unanswered_day, valid_from) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        1 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM cases_versions
      WHERE
        lone AND NOT unanswered_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(unresolved_day, valid_from) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        1 AS case_unresolved,
        0 AS closed
      FROM cases_versions
      WHERE
        lone AND NOT unresolved_day IS NULL
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(CASE WHEN overdue_day <= shipped_day THEN shipped_day END, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        1 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM order_facts
      WHERE
        lone
        AND NOT CASE WHEN overdue_day <= shipped_day THEN shipped_day END IS NULL
        AND CASE WHEN overdue_day <= shipped_day THEN shipped_day END IS DISTINCT FROM cleared_day
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(CASE WHEN overdue_day <= cancelled_seller_day THEN cancelled_seller_day END, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        1 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM order_facts
      WHERE
        lone
        AND NOT CASE WHEN overdue_day <= cancelled_seller_day THEN cancelled_seller_day END IS NULL
        AND CASE WHEN overdue_day <= cancelled_seller_day THEN cancelled_seller_day END IS DISTINCT FROM cleared_day
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(closed_day, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        1 AS closed
      FROM order_facts
      WHERE
        lone AND NOT closed_day IS NULL AND closed_day IS DISTINCT FROM delivered_day
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(late_own_day, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        1 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM order_facts
      WHERE
        lone AND NOT late_own_day IS NULL AND late_own_day IS DISTINCT FROM late_day
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(late_carrier_day, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        1 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM order_facts
      WHERE
        lone
        AND NOT late_carrier_day IS NULL
        AND late_carrier_day IS DISTINCT FROM late_day
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(late_platform_day, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        1 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM order_facts
      WHERE
        lone
        AND NOT late_platform_day IS NULL
        AND late_platform_day IS DISTINCT FROM late_day
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(cancelled_seller_day, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        1 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM order_facts
      WHERE
        lone
        AND NOT cancelled_seller_day IS NULL
        AND cancelled_seller_day IS DISTINCT FROM cancelled_day
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(failure_day, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        1 AS service_failure,
        0 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM order_facts
      WHERE
        lone AND NOT failure_day IS NULL AND failure_day IS DISTINCT FROM late_day
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          GREATEST(failure_own_day, since) + 1000000
        ) AS entry,
        0 AS overdue_to_ship,
        1 AS entries,
        0 AS overdue_cleared,
        0 AS overdue_shipped,
        0 AS overdue_cancelled,
        0 AS late,
        0 AS late_seller_fault,
        0 AS late_carrier_fault,
        0 AS late_platform_fault,
        0 AS service_failure,
        1 AS service_failure_seller_fault,
        0 AS cancelled,
        0 AS cancelled_by_seller,
        0 AS returned,
        0 AS returned_seller_fault,
        0 AS returned_to_origin,
        0 AS new_item_orders,
        0 AS new_category_orders,
        0 AS refund_cents,
        0 AS inquiry,
        0 AS item_not_received,
        0 AS not_as_described,
        0 AS unanswered_48h,
        0 AS case_unresolved,
        0 AS closed
      FROM order_facts
      WHERE
        lone AND NOT failure_own_day IS NULL AND failure_own_day IS DISTINCT FROM late_day
      UNION ALL
      SELECT
        CAST(seller AS BIGINT) * 2097152 + (
          day + 1000000
        ) AS entry,
        CASE WHEN quantity = 8 THEN added ELSE 0 END AS overdue_to_ship,
        1 AS entries,
        CASE WHEN quantity = 9 THEN added ELSE 0 END AS overdue_cleared,
        CASE WHEN quantity = 10 THEN added ELSE 0 END AS overdue_shipped,
        CASE WHEN quantity = 11 THEN added ELSE 0 END AS overdue_cancelled,
        CASE WHEN quantity = 15 THEN added ELSE 0 END AS late,
        CASE WHEN quantity = 16 THEN added ELSE 0 END AS late_seller_fault,
        CASE WHEN quantity = 17 THEN added ELSE 0 END AS late_carrier_fault,
        CASE WHEN quantity = 18 THEN added ELSE 0 END AS late_platform_fault,
        CASE WHEN quantity = 34 THEN added ELSE 0 END AS service_failure,
        CASE WHEN quantity = 35 THEN added ELSE 0 END AS service_failure_seller_fault,
        CASE WHEN quantity = 19 THEN added ELSE 0 END AS cancelled,
        CASE WHEN quantity = 20 THEN added ELSE 0 END AS cancelled_by_seller,
        CASE WHEN quantity = 21 THEN added ELSE 0 END AS returned,
        CASE WHEN quantity = 23 THEN added ELSE 0 END AS returned_seller_fault,
        CASE WHEN quantity = 22 THEN added ELSE 0 END AS returned_to_origin,
        CASE WHEN quantity = 3 THEN added ELSE 0 END AS new_item_orders,
        CASE WHEN quantity = 4 THEN added ELSE 0 END AS new_category_orders,
        CASE WHEN quantity = 24 THEN added ELSE 0 END AS refund_cents,
        CASE WHEN quantity = 27 THEN added ELSE 0 END AS inquiry,
        CASE WHEN quantity = 28 THEN added ELSE 0 END AS item_not_received,
        CASE WHEN quantity = 29 THEN added ELSE 0 END AS not_as_described,
        CASE WHEN quantity = 30 THEN added ELSE 0 END AS unanswered_48h,
        CASE WHEN quantity = 31 THEN added ELSE 0 END AS case_unresolved,
        0 AS closed
      FROM later_entries
      WHERE
        quantity IN (
          3,
          4,
          8,
          9,
          10,
          11,
          15,
          16,
          17,
          18,
          19,
          20,
          21,
          22,
          23,
          24,
          27,
          28,
          29,
          30,
          31,
          34,
          35
        )
    ) AS d
    GROUP BY
      entry
  ) AS f5
    USING (entry)
) AS e
JOIN seller_codes AS c
  ON c.seller = e.entry // 2097152;
