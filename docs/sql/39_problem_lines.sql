-- problem_lines: order lines returned, not as described or rated 1 or 2, and when that was known.
-- One row: a line and a return, case or rating of it.
-- Reads: cases_versions, corrections, feedback_versions, known_lines, returns_versions.
-- Columns: seller (bigint); item_id, order_id (varchar); placed (integer); table_name (varchar); alone, day, since,
-- until, new_category (integer).
-- Written by make docs.

create or replace table problem_lines as
SELECT
  l.seller,
  l.item_id,
  l.order_id,
  l.day AS placed,
  t.table_name,
  t.alone,
  t.day,
  GREATEST(t.since, l.day) AS since,
  LEAST(t.until, COALESCE(x.decided_day, t.until)) AS until,
  CASE WHEN NOT c.first_day IS NULL THEN 1 ELSE 0 END AS new_category
FROM (
  SELECT
    'returns' AS table_name,
    return_id AS row_key,
    seller,
    order_id,
    line_id AS line_id,
    opened_at_day AS day,
    CASE WHEN of_goods THEN 1 ELSE 0 END AS alone,
    GREATEST(opened_at_day, valid_from) AS since,
    valid_to AS until
  FROM returns_versions
  WHERE
    NOT order_id IS NULL AND NOT to_origin
  UNION ALL
  SELECT
    'cases' AS table_name,
    case_id AS row_key,
    seller,
    order_id,
    CAST(NULL AS TEXT) AS line_id,
    opened_at_day AS day,
    CASE WHEN TRUE THEN 1 ELSE 0 END AS alone,
    GREATEST(opened_at_day, valid_from) AS since,
    valid_to AS until
  FROM cases_versions
  WHERE
    NOT order_id IS NULL AND kind = 'not_as_described'
  UNION ALL
  SELECT
    'feedback' AS table_name,
    feedback_id AS row_key,
    seller,
    order_id,
    CAST(NULL AS TEXT) AS line_id,
    created_at_day AS day,
    CASE WHEN FALSE THEN 1 ELSE 0 END AS alone,
    GREATEST(created_at_day, valid_from) AS since,
    valid_to AS until
  FROM feedback_versions
  WHERE
    NOT order_id IS NULL AND rating <= 2
) AS t
JOIN known_lines AS l
  ON l.seller = t.seller
  AND l.order_id = t.order_id
  AND COALESCE(t.line_id, l.line_id) = l.line_id
LEFT JOIN (
  SELECT
    table_name,
    row_key,
    MIN(decided_at_day) AS decided_day
  FROM corrections
  WHERE
    effect = 'excluded'
  GROUP BY
    table_name,
    row_key
) AS x
  ON x.table_name = t.table_name AND x.row_key = t.row_key
LEFT JOIN (
  SELECT
    seller,
    category,
    first_day
  FROM (
    SELECT
      *,
      MIN(first_day) OVER (PARTITION BY seller) AS began,
      LAG(period) OVER (PARTITION BY seller, category ORDER BY period) AS before
    FROM (
      SELECT
        seller,
        category,
        (
          day + 1000000
        ) // 30 AS period,
        MIN(day) AS first_day
      FROM known_lines
      GROUP BY
        seller,
        category,
        (
          day + 1000000
        ) // 30
    ) AS f
  ) AS b
  WHERE
    NOT category IS NULL
    AND first_day >= began + 30
    AND (
      before IS NULL OR period - before > 3
    )
) AS c
  ON c.seller = l.seller
  AND c.category = l.category
  AND l.day >= c.first_day
  AND l.day < c.first_day + 90;
