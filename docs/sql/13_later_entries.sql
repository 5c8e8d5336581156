-- later_entries: entries of orders, cases, ratings and returns that have several states; `quantity` is its place.
-- One row: a unit, state and quantity.
-- Reads: cases_versions, feedback_versions, novelties, order_facts, returns_versions.
-- Columns: seller, day (bigint); replaced, quantity (integer); added (bigint).
-- Written by make docs.

create or replace table later_entries as
WITH changes_0 AS (
  SELECT
    seller,
    since,
    c0,
    c1,
    c2,
    c3,
    c4,
    c5,
    c6,
    c7,
    c8,
    c9,
    c10,
    CASE
      WHEN NOT edge_0 IS NULL
      THEN COALESCE(
        LEAD(edge_0 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_0,
    CASE
      WHEN NOT edge_1 IS NULL
      THEN COALESCE(
        LEAD(edge_1 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_1,
    CASE
      WHEN NOT edge_2 IS NULL
      THEN COALESCE(
        LEAD(edge_2 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_2,
    CASE
      WHEN NOT edge_3 IS NULL
      THEN COALESCE(
        LEAD(edge_3 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_3,
    CASE
      WHEN NOT edge_4 IS NULL
      THEN COALESCE(
        LEAD(edge_4 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_4,
    CASE
      WHEN NOT edge_5 IS NULL
      THEN COALESCE(
        LEAD(edge_5 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_5,
    CASE
      WHEN NOT edge_6 IS NULL
      THEN COALESCE(
        LEAD(edge_6 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_6,
    CASE
      WHEN NOT edge_7 IS NULL
      THEN COALESCE(
        LEAD(edge_7 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_7,
    CASE
      WHEN NOT edge_8 IS NULL
      THEN COALESCE(
        LEAD(edge_8 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_8,
    CASE
      WHEN NOT edge_9 IS NULL
      THEN COALESCE(
        LEAD(edge_9 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_9,
    CASE
      WHEN NOT edge_10 IS NULL
      THEN COALESCE(
        LEAD(edge_10 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_10
  FROM (
    SELECT
      *,
      CASE WHEN c0 IS DISTINCT FROM was_c0 THEN since END AS edge_0,
      CASE WHEN c0 IS DISTINCT FROM was_c0 OR c1 IS DISTINCT FROM was_c1 THEN since END AS edge_1,
      CASE WHEN c0 IS DISTINCT FROM was_c0 OR c2 IS DISTINCT FROM was_c2 THEN since END AS edge_2,
      CASE WHEN c3 IS DISTINCT FROM was_c3 THEN since END AS edge_3,
      CASE WHEN c3 IS DISTINCT FROM was_c3 OR c4 IS DISTINCT FROM was_c4 THEN since END AS edge_4,
      CASE WHEN c3 IS DISTINCT FROM was_c3 OR c5 IS DISTINCT FROM was_c5 THEN since END AS edge_5,
      CASE WHEN c6 IS DISTINCT FROM was_c6 THEN since END AS edge_6,
      CASE WHEN c6 IS DISTINCT FROM was_c6 OR c7 IS DISTINCT FROM was_c7 THEN since END AS edge_7,
      CASE WHEN c8 IS DISTINCT FROM was_c8 THEN since END AS edge_8,
      CASE WHEN c9 IS DISTINCT FROM was_c9 THEN since END AS edge_9,
      CASE WHEN c9 IS DISTINCT FROM was_c9 OR c10 IS DISTINCT FROM was_c10 THEN since END AS edge_10
    FROM (
      SELECT
        *,
        LAG(c0) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c0,
        LAG(c1) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c1,
        LAG(c2) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c2,
        LAG(c3) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c3,
        LAG(c4) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c4,
        LAG(c5) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c5,
        LAG(c6) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c6,
        LAG(c7) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c7,
        LAG(c8) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c8,
        LAG(c9) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c9,
        LAG(c10) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c10,
        LAST_VALUE(until) OVER (
          PARTITION BY seller, order_id
          ORDER BY since
          rows BETWEEN CURRENT ROW AND UNBOUNDED following
        ) AS closes
      FROM (
        SELECT
          seller,
          order_id,
          since AS since,
          until AS until,
          ordered_day AS c0,
          units AS c1,
          gross_cents AS c2,
          shipped_day AS c3,
          GREATEST(shipped_at - ordered_at, 0) // 60000000 AS c4,
          CASE WHEN untracked_at <= shipped_at THEN 1 ELSE 0 END AS c5,
          delivered_day AS c6,
          GREATEST(delivered_at - ordered_at, 0) // 60000000 AS c7,
          closed_day AS c8,
          delivered_day + 30 AS c9,
          CASE WHEN returned_day <= delivered_day + 30 THEN 1 ELSE 0 END AS c10
        FROM order_facts
        WHERE
          NOT lone AND NOT pair
      ) AS u
    ) AS s
  ) AS e
  WHERE
    NOT COALESCE(edge_0, edge_1, edge_2, edge_3, edge_4, edge_5, edge_6, edge_7, edge_8, edge_9, edge_10, NULL) IS NULL
  UNION ALL
  SELECT
    *
  FROM (
    WITH two AS (
      SELECT
        a.*,
        b.since AS next_since,
        b.c0 AS next_c0,
        b.c1 AS next_c1,
        b.c2 AS next_c2,
        b.c3 AS next_c3,
        b.c4 AS next_c4,
        b.c5 AS next_c5,
        b.c6 AS next_c6,
        b.c7 AS next_c7,
        b.c8 AS next_c8,
        b.c9 AS next_c9,
        b.c10 AS next_c10,
        b.until AS closes,
        CASE WHEN b.c0 IS DISTINCT FROM a.c0 THEN b.since END AS edge_0,
        CASE WHEN b.c0 IS DISTINCT FROM a.c0 OR b.c1 IS DISTINCT FROM a.c1 THEN b.since END AS edge_1,
        CASE WHEN b.c0 IS DISTINCT FROM a.c0 OR b.c2 IS DISTINCT FROM a.c2 THEN b.since END AS edge_2,
        CASE WHEN b.c3 IS DISTINCT FROM a.c3 THEN b.since END AS edge_3,
        CASE WHEN b.c3 IS DISTINCT FROM a.c3 OR b.c4 IS DISTINCT FROM a.c4 THEN b.since END AS edge_4,
        CASE WHEN b.c3 IS DISTINCT FROM a.c3 OR b.c5 IS DISTINCT FROM a.c5 THEN b.since END AS edge_5,
        CASE WHEN b.c6 IS DISTINCT FROM a.c6 THEN b.since END AS edge_6,
        CASE WHEN b.c6 IS DISTINCT FROM a.c6 OR b.c7 IS DISTINCT FROM a.c7 THEN b.since END AS edge_7,
        CASE WHEN b.c8 IS DISTINCT FROM a.c8 THEN b.since END AS edge_8,
        CASE WHEN b.c9 IS DISTINCT FROM a.c9 THEN b.since END AS edge_9,
        CASE
          WHEN b.c9 IS DISTINCT FROM a.c9 OR b.c10 IS DISTINCT FROM a.c10
          THEN b.since
        END AS edge_10
      FROM (
        SELECT
          seller,
          order_id,
          since AS since,
          until AS until,
          ordered_day AS c0,
          units AS c1,
          gross_cents AS c2,
          shipped_day AS c3,
          GREATEST(shipped_at - ordered_at, 0) // 60000000 AS c4,
          CASE WHEN untracked_at <= shipped_at THEN 1 ELSE 0 END AS c5,
          delivered_day AS c6,
          GREATEST(delivered_at - ordered_at, 0) // 60000000 AS c7,
          closed_day AS c8,
          delivered_day + 30 AS c9,
          CASE WHEN returned_day <= delivered_day + 30 THEN 1 ELSE 0 END AS c10
        FROM order_facts
        WHERE
          pair
      ) AS a
      JOIN (
        SELECT
          seller,
          order_id,
          since AS since,
          until AS until,
          ordered_day AS c0,
          units AS c1,
          gross_cents AS c2,
          shipped_day AS c3,
          GREATEST(shipped_at - ordered_at, 0) // 60000000 AS c4,
          CASE WHEN untracked_at <= shipped_at THEN 1 ELSE 0 END AS c5,
          delivered_day AS c6,
          GREATEST(delivered_at - ordered_at, 0) // 60000000 AS c7,
          closed_day AS c8,
          delivered_day + 30 AS c9,
          CASE WHEN returned_day <= delivered_day + 30 THEN 1 ELSE 0 END AS c10
        FROM order_facts
        WHERE
          pair
      ) AS b
        ON b.seller = a.seller AND b.order_id = a.order_id AND b.since = a.until
    )
    SELECT
      seller,
      since,
      c0,
      c1,
      c2,
      c3,
      c4,
      c5,
      c6,
      c7,
      c8,
      c9,
      c10,
      CASE WHEN NOT c0 IS NULL THEN COALESCE(edge_0, closes) END AS past_0,
      CASE WHEN NOT c0 IS NULL OR NOT c1 IS NULL THEN COALESCE(edge_1, closes) END AS past_1,
      CASE WHEN NOT c0 IS NULL OR NOT c2 IS NULL THEN COALESCE(edge_2, closes) END AS past_2,
      CASE WHEN NOT c3 IS NULL THEN COALESCE(edge_3, closes) END AS past_3,
      CASE WHEN NOT c3 IS NULL OR NOT c4 IS NULL THEN COALESCE(edge_4, closes) END AS past_4,
      CASE WHEN NOT c3 IS NULL OR NOT c5 IS NULL THEN COALESCE(edge_5, closes) END AS past_5,
      CASE WHEN NOT c6 IS NULL THEN COALESCE(edge_6, closes) END AS past_6,
      CASE WHEN NOT c6 IS NULL OR NOT c7 IS NULL THEN COALESCE(edge_7, closes) END AS past_7,
      CASE WHEN NOT c8 IS NULL THEN COALESCE(edge_8, closes) END AS past_8,
      CASE WHEN NOT c9 IS NULL THEN COALESCE(edge_9, closes) END AS past_9,
      CASE WHEN NOT c9 IS NULL OR NOT c10 IS NULL THEN COALESCE(edge_10, closes) END AS past_10
    FROM two
    WHERE
      NOT c0 IS NULL
      OR NOT c0 IS NULL
      OR NOT c1 IS NULL
      OR NOT c0 IS NULL
      OR NOT c2 IS NULL
      OR NOT c3 IS NULL
      OR NOT c3 IS NULL
      OR NOT c4 IS NULL
      OR NOT c3 IS NULL
      OR NOT c5 IS NULL
      OR NOT c6 IS NULL
      OR NOT c6 IS NULL
      OR NOT c7 IS NULL
      OR NOT c8 IS NULL
      OR NOT c9 IS NULL
      OR NOT c9 IS NULL
      OR NOT c10 IS NULL
    UNION ALL
    SELECT
      seller,
      next_since,
      next_c0,
      next_c1,
      next_c2,
      next_c3,
      next_c4,
      next_c5,
      next_c6,
      next_c7,
      next_c8,
      next_c9,
      next_c10,
      CASE WHEN NOT edge_0 IS NULL THEN closes END AS past_0,
      CASE WHEN NOT edge_1 IS NULL THEN closes END AS past_1,
      CASE WHEN NOT edge_2 IS NULL THEN closes END AS past_2,
      CASE WHEN NOT edge_3 IS NULL THEN closes END AS past_3,
      CASE WHEN NOT edge_4 IS NULL THEN closes END AS past_4,
      CASE WHEN NOT edge_5 IS NULL THEN closes END AS past_5,
      CASE WHEN NOT edge_6 IS NULL THEN closes END AS past_6,
      CASE WHEN NOT edge_7 IS NULL THEN closes END AS past_7,
      CASE WHEN NOT edge_8 IS NULL THEN closes END AS past_8,
      CASE WHEN NOT edge_9 IS NULL THEN closes END AS past_9,
      CASE WHEN NOT edge_10 IS NULL THEN closes END AS past_10
    FROM two
    WHERE
      NOT COALESCE(edge_0, edge_1, edge_2, edge_3, edge_4, edge_5, edge_6, edge_7, edge_8, edge_9, edge_10, NULL) IS NULL
  ) AS t
), changes_1 AS (
  SELECT
    seller,
    since,
    c0,
    c1,
    c2,
    c3,
    c4,
    c5,
    c6,
    c7,
    c8,
    c9,
    c10,
    c11,
    c12,
    c13,
    c14,
    CASE
      WHEN NOT edge_0 IS NULL
      THEN COALESCE(
        LEAD(edge_0 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_0,
    CASE
      WHEN NOT edge_1 IS NULL
      THEN COALESCE(
        LEAD(edge_1 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_1,
    CASE
      WHEN NOT edge_2 IS NULL
      THEN COALESCE(
        LEAD(edge_2 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_2,
    CASE
      WHEN NOT edge_3 IS NULL
      THEN COALESCE(
        LEAD(edge_3 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_3,
    CASE
      WHEN NOT edge_4 IS NULL
      THEN COALESCE(
        LEAD(edge_4 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_4,
    CASE
      WHEN NOT edge_5 IS NULL
      THEN COALESCE(
        LEAD(edge_5 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_5,
    CASE
      WHEN NOT edge_6 IS NULL
      THEN COALESCE(
        LEAD(edge_6 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_6,
    CASE
      WHEN NOT edge_7 IS NULL
      THEN COALESCE(
        LEAD(edge_7 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_7,
    CASE
      WHEN NOT edge_8 IS NULL
      THEN COALESCE(
        LEAD(edge_8 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_8,
    CASE
      WHEN NOT edge_9 IS NULL
      THEN COALESCE(
        LEAD(edge_9 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_9,
    CASE
      WHEN NOT edge_10 IS NULL
      THEN COALESCE(
        LEAD(edge_10 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_10,
    CASE
      WHEN NOT edge_11 IS NULL
      THEN COALESCE(
        LEAD(edge_11 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_11,
    CASE
      WHEN NOT edge_12 IS NULL
      THEN COALESCE(
        LEAD(edge_12 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_12,
    CASE
      WHEN NOT edge_13 IS NULL
      THEN COALESCE(
        LEAD(edge_13 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_13,
    CASE
      WHEN NOT edge_14 IS NULL
      THEN COALESCE(
        LEAD(edge_14 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_14
  FROM (
    SELECT
      *,
      CASE WHEN c0 IS DISTINCT FROM was_c0 THEN since END AS edge_0,
      CASE WHEN c1 IS DISTINCT FROM was_c1 THEN since END AS edge_1,
      CASE WHEN c2 IS DISTINCT FROM was_c2 THEN since END AS edge_2,
      CASE WHEN c3 IS DISTINCT FROM was_c3 THEN since END AS edge_3,
      CASE WHEN c4 IS DISTINCT FROM was_c4 THEN since END AS edge_4,
      CASE WHEN c5 IS DISTINCT FROM was_c5 THEN since END AS edge_5,
      CASE WHEN c6 IS DISTINCT FROM was_c6 THEN since END AS edge_6,
      CASE WHEN c7 IS DISTINCT FROM was_c7 THEN since END AS edge_7,
      CASE WHEN c8 IS DISTINCT FROM was_c8 THEN since END AS edge_8,
      CASE WHEN c9 IS DISTINCT FROM was_c9 THEN since END AS edge_9,
      CASE WHEN c10 IS DISTINCT FROM was_c10 THEN since END AS edge_10,
      CASE WHEN c11 IS DISTINCT FROM was_c11 THEN since END AS edge_11,
      CASE WHEN c12 IS DISTINCT FROM was_c12 THEN since END AS edge_12,
      CASE WHEN c13 IS DISTINCT FROM was_c13 THEN since END AS edge_13,
      CASE WHEN c14 IS DISTINCT FROM was_c14 THEN since END AS edge_14
    FROM (
      SELECT
        *,
        LAG(c0) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c0,
        LAG(c1) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c1,
        LAG(c2) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c2,
        LAG(c3) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c3,
        LAG(c4) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c4,
        LAG(c5) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c5,
        LAG(c6) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c6,
        LAG(c7) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c7,
        LAG(c8) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c8,
        LAG(c9) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c9,
        LAG(c10) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c10,
        LAG(c11) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c11,
        LAG(c12) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c12,
        LAG(c13) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c13,
        LAG(c14) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c14,
        LAST_VALUE(until) OVER (
          PARTITION BY seller, order_id
          ORDER BY since
          rows BETWEEN CURRENT ROW AND UNBOUNDED following
        ) AS closes
      FROM (
        SELECT
          seller,
          order_id,
          since AS since,
          until AS until,
          overdue_day AS c0,
          cleared_day AS c1,
          CASE WHEN overdue_day <= shipped_day THEN shipped_day END AS c2,
          CASE WHEN overdue_day <= cancelled_seller_day THEN cancelled_seller_day END AS c3,
          late_day AS c4,
          late_own_day AS c5,
          late_carrier_day AS c6,
          late_platform_day AS c7,
          cancelled_day AS c8,
          cancelled_seller_day AS c9,
          returned_day AS c10,
          returned_seller_day AS c11,
          to_origin_day AS c12,
          failure_day AS c13,
          failure_own_day AS c14
        FROM order_facts
        WHERE
          NOT lone AND NOT pair
      ) AS u
    ) AS s
  ) AS e
  WHERE
    NOT COALESCE(
      edge_0,
      edge_1,
      edge_2,
      edge_3,
      edge_4,
      edge_5,
      edge_6,
      edge_7,
      edge_8,
      edge_9,
      edge_10,
      edge_11,
      edge_12,
      edge_13,
      edge_14,
      NULL
    ) IS NULL
  UNION ALL
  SELECT
    *
  FROM (
    WITH two AS (
      SELECT
        a.*,
        b.since AS next_since,
        b.c0 AS next_c0,
        b.c1 AS next_c1,
        b.c2 AS next_c2,
        b.c3 AS next_c3,
        b.c4 AS next_c4,
        b.c5 AS next_c5,
        b.c6 AS next_c6,
        b.c7 AS next_c7,
        b.c8 AS next_c8,
        b.c9 AS next_c9,
        b.c10 AS next_c10,
        b.c11 AS next_c11,
        b.c12 AS next_c12,
        b.c13 AS next_c13,
        b.c14 AS next_c14,
        b.until AS closes,
        CASE WHEN b.c0 IS DISTINCT FROM a.c0 THEN b.since END AS edge_0,
        CASE WHEN b.c1 IS DISTINCT FROM a.c1 THEN b.since END AS edge_1,
        CASE WHEN b.c2 IS DISTINCT FROM a.c2 THEN b.since END AS edge_2,
        CASE WHEN b.c3 IS DISTINCT FROM a.c3 THEN b.since END AS edge_3,
        CASE WHEN b.c4 IS DISTINCT FROM a.c4 THEN b.since END AS edge_4,
        CASE WHEN b.c5 IS DISTINCT FROM a.c5 THEN b.since END AS edge_5,
        CASE WHEN b.c6 IS DISTINCT FROM a.c6 THEN b.since END AS edge_6,
        CASE WHEN b.c7 IS DISTINCT FROM a.c7 THEN b.since END AS edge_7,
        CASE WHEN b.c8 IS DISTINCT FROM a.c8 THEN b.since END AS edge_8,
        CASE WHEN b.c9 IS DISTINCT FROM a.c9 THEN b.since END AS edge_9,
        CASE WHEN b.c10 IS DISTINCT FROM a.c10 THEN b.since END AS edge_10,
        CASE WHEN b.c11 IS DISTINCT FROM a.c11 THEN b.since END AS edge_11,
        CASE WHEN b.c12 IS DISTINCT FROM a.c12 THEN b.since END AS edge_12,
        CASE WHEN b.c13 IS DISTINCT FROM a.c13 THEN b.since END AS edge_13,
        CASE WHEN b.c14 IS DISTINCT FROM a.c14 THEN b.since END AS edge_14
      FROM (
        SELECT
          seller,
          order_id,
          since AS since,
          until AS until,
          overdue_day AS c0,
          cleared_day AS c1,
          CASE WHEN overdue_day <= shipped_day THEN shipped_day END AS c2,
          CASE WHEN overdue_day <= cancelled_seller_day THEN cancelled_seller_day END AS c3,
          late_day AS c4,
          late_own_day AS c5,
          late_carrier_day AS c6,
          late_platform_day AS c7,
          cancelled_day AS c8,
          cancelled_seller_day AS c9,
          returned_day AS c10,
          returned_seller_day AS c11,
          to_origin_day AS c12,
          failure_day AS c13,
          failure_own_day AS c14
        FROM order_facts
        WHERE
          pair
      ) AS a
      JOIN (
        SELECT
          seller,
          order_id,
          since AS since,
          until AS until,
          overdue_day AS c0,
          cleared_day AS c1,
          CASE WHEN overdue_day <= shipped_day THEN shipped_day END AS c2,
          CASE WHEN overdue_day <= cancelled_seller_day THEN cancelled_seller_day END AS c3,
          late_day AS c4,
          late_own_day AS c5,
          late_carrier_day AS c6,
          late_platform_day AS c7,
          cancelled_day AS c8,
          cancelled_seller_day AS c9,
          returned_day AS c10,
          returned_seller_day AS c11,
          to_origin_day AS c12,
          failure_day AS c13,
          failure_own_day AS c14
        FROM order_facts
        WHERE
          pair
      ) AS b
        ON b.seller = a.seller AND b.order_id = a.order_id AND b.since = a.until
    )
    SELECT
      seller,
      since,
      c0,
      c1,
      c2,
      c3,
      c4,
      c5,
      c6,
      c7,
      c8,
      c9,
      c10,
      c11,
      c12,
      c13,
      c14,
      CASE WHEN NOT c0 IS NULL THEN COALESCE(edge_0, closes) END AS past_0,
      CASE WHEN NOT c1 IS NULL THEN COALESCE(edge_1, closes) END AS past_1,
      CASE WHEN NOT c2 IS NULL THEN COALESCE(edge_2, closes) END AS past_2,
      CASE WHEN NOT c3 IS NULL THEN COALESCE(edge_3, closes) END AS past_3,
      CASE WHEN NOT c4 IS NULL THEN COALESCE(edge_4, closes) END AS past_4,
      CASE WHEN NOT c5 IS NULL THEN COALESCE(edge_5, closes) END AS past_5,
      CASE WHEN NOT c6 IS NULL THEN COALESCE(edge_6, closes) END AS past_6,
      CASE WHEN NOT c7 IS NULL THEN COALESCE(edge_7, closes) END AS past_7,
      CASE WHEN NOT c8 IS NULL THEN COALESCE(edge_8, closes) END AS past_8,
      CASE WHEN NOT c9 IS NULL THEN COALESCE(edge_9, closes) END AS past_9,
      CASE WHEN NOT c10 IS NULL THEN COALESCE(edge_10, closes) END AS past_10,
      CASE WHEN NOT c11 IS NULL THEN COALESCE(edge_11, closes) END AS past_11,
      CASE WHEN NOT c12 IS NULL THEN COALESCE(edge_12, closes) END AS past_12,
      CASE WHEN NOT c13 IS NULL THEN COALESCE(edge_13, closes) END AS past_13,
      CASE WHEN NOT c14 IS NULL THEN COALESCE(edge_14, closes) END AS past_14
    FROM two
    WHERE
      NOT c0 IS NULL
      OR NOT c1 IS NULL
      OR NOT c2 IS NULL
      OR NOT c3 IS NULL
      OR NOT c4 IS NULL
      OR NOT c5 IS NULL
      OR NOT c6 IS NULL
      OR NOT c7 IS NULL
      OR NOT c8 IS NULL
      OR NOT c9 IS NULL
      OR NOT c10 IS NULL
      OR NOT c11 IS NULL
      OR NOT c12 IS NULL
      OR NOT c13 IS NULL
      OR NOT c14 IS NULL
    UNION ALL
    SELECT
      seller,
      next_since,
      next_c0,
      next_c1,
      next_c2,
      next_c3,
      next_c4,
      next_c5,
      next_c6,
      next_c7,
      next_c8,
      next_c9,
      next_c10,
      next_c11,
      next_c12,
      next_c13,
      next_c14,
      CASE WHEN NOT edge_0 IS NULL THEN closes END AS past_0,
      CASE WHEN NOT edge_1 IS NULL THEN closes END AS past_1,
      CASE WHEN NOT edge_2 IS NULL THEN closes END AS past_2,
      CASE WHEN NOT edge_3 IS NULL THEN closes END AS past_3,
      CASE WHEN NOT edge_4 IS NULL THEN closes END AS past_4,
      CASE WHEN NOT edge_5 IS NULL THEN closes END AS past_5,
      CASE WHEN NOT edge_6 IS NULL THEN closes END AS past_6,
      CASE WHEN NOT edge_7 IS NULL THEN closes END AS past_7,
      CASE WHEN NOT edge_8 IS NULL THEN closes END AS past_8,
      CASE WHEN NOT edge_9 IS NULL THEN closes END AS past_9,
      CASE WHEN NOT edge_10 IS NULL THEN closes END AS past_10,
      CASE WHEN NOT edge_11 IS NULL THEN closes END AS past_11,
      CASE WHEN NOT edge_12 IS NULL THEN closes END AS past_12,
      CASE WHEN NOT edge_13 IS NULL THEN closes END AS past_13,
      CASE WHEN NOT edge_14 IS NULL THEN closes END AS past_14
    FROM two
    WHERE
      NOT COALESCE(
        edge_0,
        edge_1,
        edge_2,
        edge_3,
        edge_4,
        edge_5,
        edge_6,
        edge_7,
        edge_8,
        edge_9,
        edge_10,
        edge_11,
        edge_12,
        edge_13,
        edge_14,
        NULL
      ) IS NULL
  ) AS t
), changes_2 AS (
  SELECT
    seller,
    since,
    c0,
    c1,
    CASE
      WHEN NOT edge_0 IS NULL
      THEN COALESCE(
        LEAD(edge_0 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_0,
    CASE
      WHEN NOT edge_1 IS NULL
      THEN COALESCE(
        LEAD(edge_1 IGNORE NULLS) OVER (PARTITION BY seller, order_id ORDER BY since),
        closes
      )
    END AS past_1
  FROM (
    SELECT
      *,
      CASE WHEN c0 IS DISTINCT FROM was_c0 THEN since END AS edge_0,
      CASE WHEN c1 IS DISTINCT FROM was_c1 THEN since END AS edge_1
    FROM (
      SELECT
        *,
        LAG(c0) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c0,
        LAG(c1) OVER (PARTITION BY seller, order_id ORDER BY since) AS was_c1,
        LAST_VALUE(until) OVER (
          PARTITION BY seller, order_id
          ORDER BY since
          rows BETWEEN CURRENT ROW AND UNBOUNDED following
        ) AS closes
      FROM (
        SELECT
          seller,
          order_id,
          since AS since,
          until AS until,
          new_item_day AS c0,
          new_category_day AS c1
        FROM novelties
        WHERE
          NOT lone
      ) AS u
    ) AS s
  ) AS e
  WHERE
    NOT COALESCE(edge_0, edge_1, NULL) IS NULL
), changes_3 AS (
  SELECT
    seller,
    since,
    c0,
    c1,
    CASE
      WHEN NOT edge_0 IS NULL
      THEN COALESCE(
        LEAD(edge_0 IGNORE NULLS) OVER (PARTITION BY seller, return_id ORDER BY since),
        closes
      )
    END AS past_0
  FROM (
    SELECT
      *,
      CASE WHEN c0 IS DISTINCT FROM was_c0 OR c1 IS DISTINCT FROM was_c1 THEN since END AS edge_0
    FROM (
      SELECT
        *,
        LAG(c0) OVER (PARTITION BY seller, return_id ORDER BY since) AS was_c0,
        LAG(c1) OVER (PARTITION BY seller, return_id ORDER BY since) AS was_c1,
        LAST_VALUE(until) OVER (
          PARTITION BY seller, return_id
          ORDER BY since
          rows BETWEEN CURRENT ROW AND UNBOUNDED following
        ) AS closes
      FROM (
        SELECT
          seller,
          return_id,
          valid_from AS since,
          valid_to AS until,
          refunded_at_day AS c0,
          COALESCE(refund_cents, 0) AS c1
        FROM returns_versions
        WHERE
          NOT lone
      ) AS u
    ) AS s
  ) AS e
  WHERE
    NOT COALESCE(edge_0, NULL) IS NULL
), changes_4 AS (
  SELECT
    seller,
    since,
    c0,
    c1,
    c2,
    c3,
    c4,
    CASE
      WHEN NOT edge_0 IS NULL
      THEN COALESCE(
        LEAD(edge_0 IGNORE NULLS) OVER (PARTITION BY seller, case_id ORDER BY since),
        closes
      )
    END AS past_0,
    CASE
      WHEN NOT edge_1 IS NULL
      THEN COALESCE(
        LEAD(edge_1 IGNORE NULLS) OVER (PARTITION BY seller, case_id ORDER BY since),
        closes
      )
    END AS past_1,
    CASE
      WHEN NOT edge_2 IS NULL
      THEN COALESCE(
        LEAD(edge_2 IGNORE NULLS) OVER (PARTITION BY seller, case_id ORDER BY since),
        closes
      )
    END AS past_2,
    CASE
      WHEN NOT edge_3 IS NULL
      THEN COALESCE(
        LEAD(edge_3 IGNORE NULLS) OVER (PARTITION BY seller, case_id ORDER BY since),
        closes
      )
    END AS past_3,
    CASE
      WHEN NOT edge_4 IS NULL
      THEN COALESCE(
        LEAD(edge_4 IGNORE NULLS) OVER (PARTITION BY seller, case_id ORDER BY since),
        closes
      )
    END AS past_4
  FROM (
    SELECT
      *,
      CASE WHEN c0 IS DISTINCT FROM was_c0 THEN since END AS edge_0,
      CASE WHEN c1 IS DISTINCT FROM was_c1 THEN since END AS edge_1,
      CASE WHEN c2 IS DISTINCT FROM was_c2 THEN since END AS edge_2,
      CASE WHEN c3 IS DISTINCT FROM was_c3 THEN since END AS edge_3,
      CASE WHEN c4 IS DISTINCT FROM was_c4 THEN since END AS edge_4
    FROM (
      SELECT
        *,
        LAG(c0) OVER (PARTITION BY seller, case_id ORDER BY since) AS was_c0,
        LAG(c1) OVER (PARTITION BY seller, case_id ORDER BY since) AS was_c1,
        LAG(c2) OVER (PARTITION BY seller, case_id ORDER BY since) AS was_c2,
        LAG(c3) OVER (PARTITION BY seller, case_id ORDER BY since) AS was_c3,
        LAG(c4) OVER (PARTITION BY seller, case_id ORDER BY since) AS was_c4,
        LAST_VALUE(until) OVER (
          PARTITION BY seller, case_id
          ORDER BY since
          rows BETWEEN CURRENT ROW AND UNBOUNDED following
        ) AS closes
      FROM (
        SELECT
          seller,
          case_id,
          valid_from AS since,
          valid_to AS until,
          CASE WHEN kind = 'inquiry' THEN opened_at_day END AS c0,
          CASE WHEN kind = 'item_not_received' THEN opened_at_day END AS c1,
          CASE WHEN kind = 'not_as_described' THEN opened_at_day END AS c2,
          unanswered_day AS c3,
          unresolved_day AS c4
        FROM cases_versions
        WHERE
          NOT lone
      ) AS u
    ) AS s
  ) AS e
  WHERE
    NOT COALESCE(edge_0, edge_1, edge_2, edge_3, edge_4, NULL) IS NULL
), changes_5 AS (
  SELECT
    seller,
    since,
    c0,
    c1,
    CASE
      WHEN NOT edge_0 IS NULL
      THEN COALESCE(
        LEAD(edge_0 IGNORE NULLS) OVER (PARTITION BY seller, feedback_id ORDER BY since),
        closes
      )
    END AS past_0,
    CASE
      WHEN NOT edge_1 IS NULL
      THEN COALESCE(
        LEAD(edge_1 IGNORE NULLS) OVER (PARTITION BY seller, feedback_id ORDER BY since),
        closes
      )
    END AS past_1
  FROM (
    SELECT
      *,
      CASE WHEN c0 IS DISTINCT FROM was_c0 THEN since END AS edge_0,
      CASE WHEN c0 IS DISTINCT FROM was_c0 OR c1 IS DISTINCT FROM was_c1 THEN since END AS edge_1
    FROM (
      SELECT
        *,
        LAG(c0) OVER (PARTITION BY seller, feedback_id ORDER BY since) AS was_c0,
        LAG(c1) OVER (PARTITION BY seller, feedback_id ORDER BY since) AS was_c1,
        LAST_VALUE(until) OVER (
          PARTITION BY seller, feedback_id
          ORDER BY since
          rows BETWEEN CURRENT ROW AND UNBOUNDED following
        ) AS closes
      FROM (
        SELECT
          seller,
          feedback_id,
          valid_from AS since,
          valid_to AS until,
          created_at_day AS c0,
          CASE WHEN rating <= 2 THEN 1 ELSE 0 END AS c1
        FROM feedback_versions
        WHERE
          NOT lone
      ) AS u
    ) AS s
  ) AS e
  WHERE
    NOT COALESCE(edge_0, edge_1, NULL) IS NULL
)
SELECT
  seller,
  day,
  replaced,
  0 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c0, since) AS day,
    past_0 AS replaced,
    1 AS added
  FROM changes_0 AS x
  WHERE
    NOT c0 IS NULL AND GREATEST(c0, since) < past_0
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  1 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c0, since) AS day,
    past_1 AS replaced,
    c1 AS added
  FROM changes_0 AS x
  WHERE
    NOT c0 IS NULL AND GREATEST(c0, since) < past_1
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  2 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c0, since) AS day,
    past_2 AS replaced,
    c2 AS added
  FROM changes_0 AS x
  WHERE
    NOT c0 IS NULL AND GREATEST(c0, since) < past_2
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  5 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c3, since) AS day,
    past_3 AS replaced,
    1 AS added
  FROM changes_0 AS x
  WHERE
    NOT c3 IS NULL AND GREATEST(c3, since) < past_3
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  6 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c3, since) AS day,
    past_4 AS replaced,
    c4 AS added
  FROM changes_0 AS x
  WHERE
    NOT c3 IS NULL AND GREATEST(c3, since) < past_4
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  7 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c3, since) AS day,
    past_5 AS replaced,
    c5 AS added
  FROM changes_0 AS x
  WHERE
    NOT c3 IS NULL AND GREATEST(c3, since) < past_5
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  12 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c6, since) AS day,
    past_6 AS replaced,
    1 AS added
  FROM changes_0 AS x
  WHERE
    NOT c6 IS NULL AND GREATEST(c6, since) < past_6
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  13 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c6, since) AS day,
    past_7 AS replaced,
    c7 AS added
  FROM changes_0 AS x
  WHERE
    NOT c6 IS NULL AND GREATEST(c6, since) < past_7
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  14 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c8, since) AS day,
    past_8 AS replaced,
    1 AS added
  FROM changes_0 AS x
  WHERE
    NOT c8 IS NULL AND GREATEST(c8, since) < past_8
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  25 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c9, since) AS day,
    past_9 AS replaced,
    1 AS added
  FROM changes_0 AS x
  WHERE
    NOT c9 IS NULL AND GREATEST(c9, since) < past_9
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  26 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c9, since) AS day,
    past_10 AS replaced,
    c10 AS added
  FROM changes_0 AS x
  WHERE
    NOT c9 IS NULL AND GREATEST(c9, since) < past_10
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  8 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c0, since) AS day,
    past_0 AS replaced,
    1 AS added
  FROM changes_1 AS x
  WHERE
    NOT c0 IS NULL AND GREATEST(c0, since) < past_0
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  9 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c1, since) AS day,
    past_1 AS replaced,
    1 AS added
  FROM changes_1 AS x
  WHERE
    NOT c1 IS NULL AND GREATEST(c1, since) < past_1
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  10 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c2, since) AS day,
    past_2 AS replaced,
    1 AS added
  FROM changes_1 AS x
  WHERE
    NOT c2 IS NULL AND GREATEST(c2, since) < past_2
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  11 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c3, since) AS day,
    past_3 AS replaced,
    1 AS added
  FROM changes_1 AS x
  WHERE
    NOT c3 IS NULL AND GREATEST(c3, since) < past_3
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  15 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c4, since) AS day,
    past_4 AS replaced,
    1 AS added
  FROM changes_1 AS x
  WHERE
    NOT c4 IS NULL AND GREATEST(c4, since) < past_4
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  16 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c5, since) AS day,
    past_5 AS replaced,
    1 AS added
  FROM changes_1 AS x
  WHERE
    NOT c5 IS NULL AND GREATEST(c5, since) < past_5
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  17 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c6, since) AS day,
    past_6 AS replaced,
    1 AS added
  FROM changes_1 AS x
  WHERE
    NOT c6 IS NULL AND GREATEST(c6, since) < past_6
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  18 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c7, since) AS day,
    past_7 AS replaced,
    1 AS added
  FROM changes_1 AS x
  WHERE
    NOT c7 IS NULL AND GREATEST(c7, since) < past_7
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  19 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c8, since) AS day,
    past_8 AS replaced,
    1 AS added
  FROM changes_1 AS x
  WHERE
    NOT c8 IS NULL AND GREATEST(c8, since) < past_8
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  20 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c9, since) AS day,
    past_9 AS replaced,
    1 AS added
  FROM changes_1 AS x
  WHERE
    NOT c9 IS NULL AND GREATEST(c9, since) < past_9
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  21 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c10, since) AS day,
    past_10 AS replaced,
    1 AS added
  FROM changes_1 AS x
  WHERE
    NOT c10 IS NULL AND GREATEST(c10, since) < past_10
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  23 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c11, since) AS day,
    past_11 AS replaced,
    1 AS added
  FROM changes_1 AS x
  WHERE
    NOT c11 IS NULL AND GREATEST(c11, since) < past_11
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  22 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c12, since) AS day,
    past_12 AS replaced,
    1 AS added
  FROM changes_1 AS x
  WHERE
    NOT c12 IS NULL AND GREATEST(c12, since) < past_12
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  34 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c13, since) AS day,
    past_13 AS replaced,
    1 AS added
  FROM changes_1 AS x
  WHERE
    NOT c13 IS NULL AND GREATEST(c13, since) < past_13
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  35 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c14, since) AS day,
    past_14 AS replaced,
    1 AS added
  FROM changes_1 AS x
  WHERE
    NOT c14 IS NULL AND GREATEST(c14, since) < past_14
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  3 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c0, since) AS day,
    past_0 AS replaced,
    1 AS added
  FROM changes_2 AS x
  WHERE
    NOT c0 IS NULL AND GREATEST(c0, since) < past_0
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  4 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c1, since) AS day,
    past_1 AS replaced,
    1 AS added
  FROM changes_2 AS x
  WHERE
    NOT c1 IS NULL AND GREATEST(c1, since) < past_1
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  24 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c0, since) AS day,
    past_0 AS replaced,
    c1 AS added
  FROM changes_3 AS x
  WHERE
    NOT c0 IS NULL AND GREATEST(c0, since) < past_0
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  27 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c0, since) AS day,
    past_0 AS replaced,
    1 AS added
  FROM changes_4 AS x
  WHERE
    NOT c0 IS NULL AND GREATEST(c0, since) < past_0
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  28 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c1, since) AS day,
    past_1 AS replaced,
    1 AS added
  FROM changes_4 AS x
  WHERE
    NOT c1 IS NULL AND GREATEST(c1, since) < past_1
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  29 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c2, since) AS day,
    past_2 AS replaced,
    1 AS added
  FROM changes_4 AS x
  WHERE
    NOT c2 IS NULL AND GREATEST(c2, since) < past_2
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  30 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c3, since) AS day,
    past_3 AS replaced,
    1 AS added
  FROM changes_4 AS x
  WHERE
    NOT c3 IS NULL AND GREATEST(c3, since) < past_3
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  31 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c4, since) AS day,
    past_4 AS replaced,
    1 AS added
  FROM changes_4 AS x
  WHERE
    NOT c4 IS NULL AND GREATEST(c4, since) < past_4
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  32 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c0, since) AS day,
    past_0 AS replaced,
    1 AS added
  FROM changes_5 AS x
  WHERE
    NOT c0 IS NULL AND GREATEST(c0, since) < past_0
) AS e
UNION ALL
SELECT
  seller,
  day,
  replaced,
  33 AS quantity,
  added
FROM (
  SELECT
    seller,
    GREATEST(c0, since) AS day,
    past_1 AS replaced,
    c1 AS added
  FROM changes_5 AS x
  WHERE
    NOT c0 IS NULL AND GREATEST(c0, since) < past_1
) AS e;
