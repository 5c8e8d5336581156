-- order_states: days and amounts from an order's lines, returns, cases and ratings.
-- One row: a seller's order and state of it.
-- Reads: cases_versions, feedback_versions, orders_versions, returns_versions, state_days.
-- Columns: seller (bigint); order_id (varchar); since, until (integer); lone, pair (boolean); ordered_at (bigint);
-- ordered_day (integer); units, gross_cents, shipped_at (bigint); shipped_day (integer); untracked_at (bigint);
-- overdue_day, cleared_day (integer); delivered_at (bigint); delivered_day, closed_day, late_code, ruled_code,
-- cancelled_day, cancelled_seller_day, returned_day, returned_seller_day, to_origin_day, not_received_day,
-- not_received_own_day, not_described_day, not_described_own_day (integer); unresolved_day, unresolved_own_day (bigint);
-- low_day (integer).
-- Written by make docs.

create or replace view order_states as
SELECT
  s.seller,
  s.order_id,
  s.since,
  s.until,
  s.lone,
  s.pair,
  l.ordered_at,
  l.ordered_day,
  l.units,
  l.gross_cents,
  l.shipped_at,
  l.shipped_day,
  l.untracked_at,
  l.overdue_day,
  l.cleared_day,
  l.delivered_at,
  l.delivered_day,
  l.closed_day,
  l.late_code,
  l.ruled_code,
  l.cancelled_day,
  l.cancelled_seller_day,
  CASE WHEN NOT l.ordered_day IS NULL THEN r.returned_day END AS returned_day,
  CASE WHEN NOT l.ordered_day IS NULL THEN r.returned_seller_day END AS returned_seller_day,
  CASE WHEN NOT l.ordered_day IS NULL THEN r.to_origin_day END AS to_origin_day,
  CASE WHEN NOT l.ordered_day IS NULL THEN c.not_received_day END AS not_received_day,
  CASE WHEN NOT l.ordered_day IS NULL THEN c.not_received_own_day END AS not_received_own_day,
  CASE WHEN NOT l.ordered_day IS NULL THEN c.not_described_day END AS not_described_day,
  CASE WHEN NOT l.ordered_day IS NULL THEN c.not_described_own_day END AS not_described_own_day,
  CASE WHEN NOT l.ordered_day IS NULL THEN c.unresolved_day END AS unresolved_day,
  CASE WHEN NOT l.ordered_day IS NULL THEN c.unresolved_own_day END AS unresolved_own_day,
  CASE WHEN NOT l.ordered_day IS NULL THEN f.low_day END AS low_day
FROM state_days AS s
LEFT JOIN (
  SELECT
    seller,
    order_id,
    since,
    MIN(ordered_at) AS ordered_at,
    MIN(ordered_at_day) AS ordered_day,
    COUNT(*) AS units,
    CAST(COALESCE(SUM(price_cents), 0) AS BIGINT) AS gross_cents,
    CASE WHEN COUNT(*) = COUNT(sent) THEN GREATEST(MAX(sent), MIN(shipped_at)) END AS shipped_at,
    CASE
      WHEN COUNT(*) = COUNT(sent) AND COUNT(shipped_at) > 0
      THEN GREATEST(MAX(sent_day), MIN(shipped_at_day))
    END AS shipped_day,
    MIN(CASE WHEN tracking_valid = FALSE THEN shipped_at END) AS untracked_at,
    MIN(overdue_on) AS overdue_day,
    CASE WHEN COUNT(overdue_on) > 0 AND COUNT(*) = COUNT(sent) THEN MAX(sent_day) END AS cleared_day,
    CASE
      WHEN COUNT(*) = COUNT(settled)
      THEN GREATEST(MAX(settled), MIN(delivered_at))
    END AS delivered_at,
    CASE
      WHEN COUNT(*) = COUNT(settled) AND COUNT(delivered_at) > 0
      THEN GREATEST(MAX(settled_day), MIN(delivered_at_day))
    END AS delivered_day,
    CASE WHEN COUNT(*) = COUNT(settled) THEN MAX(settled_day) END AS closed_day,
    MIN(CASE WHEN ruled_fault IS NULL THEN late_on * 4 + late_fault END) AS late_code,
    MIN(CASE WHEN NOT ruled_fault IS NULL THEN late_on * 4 + late_fault END) AS ruled_code,
    MIN(cancelled_at_day) AS cancelled_day,
    MIN(CASE WHEN cancelled_by = 'seller' THEN cancelled_at_day END) AS cancelled_seller_day
  FROM (
    SELECT
      *,
      LEAST(shipped_at, cancelled_at) AS sent,
      LEAST(shipped_at_day, cancelled_at_day) AS sent_day,
      LEAST(delivered_at, cancelled_at) AS settled,
      LEAST(delivered_at_day, cancelled_at_day) AS settled_day,
      CASE
        WHEN ship_by_day IS NULL
        OR LEAST(shipped_at, cancelled_at) <= ship_by
        OR ship_by IS NULL
        AND LEAST(shipped_at_day, cancelled_at_day) <= ship_by_day
        THEN NULL
        ELSE GREATEST(
          ship_by_day + CASE WHEN ship_by IS NULL THEN 1 ELSE 0 END,
          LEAST(ordered_at_day, shipped_at_day, delivered_at_day, cancelled_at_day)
        )
      END AS overdue_on,
      CASE
        WHEN promised_at_day IS NULL
        OR LEAST(delivered_at, cancelled_at) <= promised_at
        OR promised_at IS NULL
        AND LEAST(delivered_at_day, cancelled_at_day) <= promised_at_day
        THEN NULL
        ELSE GREATEST(
          promised_at_day + CASE WHEN promised_at IS NULL THEN 1 ELSE 0 END,
          LEAST(ordered_at_day, shipped_at_day, delivered_at_day, cancelled_at_day)
        )
      END AS late_on,
      CASE
        WHEN ruled_fault = 'seller'
        THEN 0
        WHEN ruled_fault = 'platform'
        THEN 1
        WHEN ruled_fault = 'carrier'
        THEN 2
        WHEN NOT ruled_fault IS NULL OR ship_by_day IS NULL
        THEN 3
        WHEN COALESCE(shipped_at <= ship_by, shipped_at_day <= ship_by_day)
        AND CASE
          WHEN promised_at IS NULL
          THEN shipped_at_day <= promised_at_day
          ELSE shipped_at <= promised_at
        END
        THEN 2
        ELSE 0
      END AS late_fault
    FROM (
      SELECT
        v.*,
        s.since
      FROM state_days AS s
      JOIN orders_versions AS v
        ON v.seller = s.seller
        AND v.order_id = s.order_id
        AND v.valid_from <= s.since
        AND s.since < v.valid_to
    ) AS y
  ) AS x
  WHERE
    NOT order_id IS NULL
  GROUP BY
    seller,
    order_id,
    since
) AS l
  ON l.seller = s.seller AND l.order_id = s.order_id AND l.since = s.since
LEFT JOIN (
  SELECT
    seller,
    order_id,
    since,
    MIN(CASE WHEN NOT to_origin THEN opened_at_day END) AS returned_day,
    MIN(CASE WHEN fault = 'seller' AND NOT to_origin THEN refunded_at_day END) AS returned_seller_day,
    MIN(CASE WHEN to_origin THEN opened_at_day END) AS to_origin_day
  FROM (
    SELECT
      v.*,
      s.since
    FROM state_days AS s
    JOIN returns_versions AS v
      ON v.seller = s.seller
      AND v.order_id = s.order_id
      AND v.valid_from <= s.since
      AND s.since < v.valid_to
  ) AS x
  WHERE
    NOT order_id IS NULL
  GROUP BY
    seller,
    order_id,
    since
) AS r
  ON r.seller = s.seller AND r.order_id = s.order_id AND r.since = s.since
LEFT JOIN (
  SELECT
    seller,
    order_id,
    since,
    MIN(CASE WHEN kind = 'item_not_received' THEN opened_at_day END) AS not_received_day,
    MIN(CASE WHEN kind = 'item_not_received' AND own_fault THEN opened_at_day END) AS not_received_own_day,
    MIN(CASE WHEN kind = 'not_as_described' THEN opened_at_day END) AS not_described_day,
    MIN(CASE WHEN kind = 'not_as_described' AND own_fault THEN opened_at_day END) AS not_described_own_day,
    MIN(CASE WHEN TRUE THEN unresolved_day END) AS unresolved_day,
    MIN(CASE WHEN TRUE AND own_fault THEN unresolved_day END) AS unresolved_own_day
  FROM (
    SELECT
      v.*,
      s.since
    FROM state_days AS s
    JOIN cases_versions AS v
      ON v.seller = s.seller
      AND v.order_id = s.order_id
      AND v.valid_from <= s.since
      AND s.since < v.valid_to
  ) AS x
  WHERE
    NOT order_id IS NULL
  GROUP BY
    seller,
    order_id,
    since
) AS c
  ON c.seller = s.seller AND c.order_id = s.order_id AND c.since = s.since
LEFT JOIN (
  SELECT
    seller,
    order_id,
    since,
    MIN(CASE WHEN rating <= 2 THEN created_at_day END) AS low_day
  FROM (
    SELECT
      v.*,
      s.since
    FROM state_days AS s
    JOIN feedback_versions AS v
      ON v.seller = s.seller
      AND v.order_id = s.order_id
      AND v.valid_from <= s.since
      AND s.since < v.valid_to
  ) AS x
  WHERE
    NOT order_id IS NULL
  GROUP BY
    seller,
    order_id,
    since
) AS f
  ON f.seller = s.seller AND f.order_id = s.order_id AND f.since = s.since;
