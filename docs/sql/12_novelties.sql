-- novelties: orders of an item, or in a category, that is new to the seller, and the days they were known.
-- One row: a seller's order of something new.
-- Reads: known_lines.
-- Columns: seller (bigint); order_id (varchar); since, until (integer); lone (boolean); new_item_day, new_category_day
-- (integer).
-- Written by make docs.

create or replace table novelties as
SELECT
  l.seller,
  l.order_id,
  -1000000 AS since,
  1000000 AS until,
  TRUE AS lone,
  MIN(CASE WHEN NOT item_id_on.first_day IS NULL THEN l.day END) AS new_item_day,
  MIN(CASE WHEN NOT category_on.first_day IS NULL THEN l.day END) AS new_category_day
FROM known_lines AS l
LEFT JOIN (
  SELECT
    seller,
    item_id,
    first_day
  FROM (
    SELECT
      *,
      MIN(first_day) OVER (PARTITION BY seller) AS began,
      CAST(NULL AS BIGINT) AS before
    FROM (
      SELECT
        seller,
        item_id,
        CAST(NULL AS BIGINT) AS period,
        MIN(day) AS first_day
      FROM known_lines
      GROUP BY
        seller,
        item_id,
        CAST(NULL AS BIGINT)
    ) AS f
  ) AS b
  WHERE
    NOT item_id IS NULL
    AND first_day >= began + 30
    AND (
      before IS NULL OR period - before > 3
    )
) AS item_id_on
  ON item_id_on.seller = l.seller
  AND item_id_on.item_id = l.item_id
  AND l.day >= item_id_on.first_day
  AND l.day < item_id_on.first_day + 30
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
) AS category_on
  ON category_on.seller = l.seller
  AND category_on.category = l.category
  AND l.day >= category_on.first_day
  AND l.day < category_on.first_day + 90
WHERE
  NOT item_id_on.first_day IS NULL OR NOT category_on.first_day IS NULL
GROUP BY
  l.seller,
  l.order_id;
