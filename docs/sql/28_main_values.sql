-- main_values: the category and the item (as codes) of most of a seller's order lines so far.
-- One row: a seller and as-of day.
-- Reads: category_codes, grid, item_codes, known_lines, next_as_of.
-- Columns: seller (bigint); as_of (integer); category, item (bigint).
-- Written by make docs.

create or replace table main_values as
SELECT
  g.seller,
  g.as_of,
  MAX(category_s.score) OVER so_far % 1000000000 AS category,
  MAX(item_s.score) OVER so_far % 1000000000 AS item
FROM grid AS g
LEFT JOIN (
  SELECT
    seller,
    as_of,
    MAX(score) AS score
  FROM (
    SELECT
      value // 1000000000 AS seller,
      as_of,
      CAST(SUM(units) OVER (PARTITION BY value ORDER BY as_of rows BETWEEN UNBOUNDED preceding AND CURRENT ROW) AS BIGINT) * 1000000000 + value % 1000000000 AS score
    FROM (
      SELECT
        CAST(l.seller AS BIGINT) * 1000000000 + c.code AS value,
        d.as_of,
        COUNT(*) AS units
      FROM known_lines AS l
      JOIN category_codes AS c
        ON c.category = l.category
      JOIN next_as_of AS d
        ON d.day = l.day
      GROUP BY
        CAST(l.seller AS BIGINT) * 1000000000 + c.code,
        d.as_of
    ) AS u
  ) AS r
  GROUP BY
    seller,
    as_of
) AS category_s
  ON category_s.seller = g.seller AND category_s.as_of = g.as_of
LEFT JOIN (
  SELECT
    seller,
    as_of,
    MAX(score) AS score
  FROM (
    SELECT
      value // 1000000000 AS seller,
      as_of,
      CAST(SUM(units) OVER (PARTITION BY value ORDER BY as_of rows BETWEEN UNBOUNDED preceding AND CURRENT ROW) AS BIGINT) * 1000000000 + value % 1000000000 AS score
    FROM (
      SELECT
        CAST(l.seller AS BIGINT) * 1000000000 + c.code AS value,
        d.as_of,
        COUNT(*) AS units
      FROM known_lines AS l
      JOIN item_codes AS c
        ON c.item = l.item_id
      JOIN next_as_of AS d
        ON d.day = l.day
      GROUP BY
        CAST(l.seller AS BIGINT) * 1000000000 + c.code,
        d.as_of
    ) AS u
  ) AS r
  GROUP BY
    seller,
    as_of
) AS item_s
  ON item_s.seller = g.seller AND item_s.as_of = g.as_of
WINDOW so_far AS (
  PARTITION BY g.seller
  ORDER BY g.as_of
  rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
);
