-- category_codes: numbers of the values of category.
-- One row: a value of category.
-- Reads: orders.
-- Columns: category (varchar); code (bigint).
-- Written by make docs.

create or replace table category_codes as
SELECT
  category,
  ROW_NUMBER() OVER (ORDER BY category) AS code
FROM (
  SELECT DISTINCT
    category AS category
  FROM orders
  WHERE
    NOT category IS NULL
) AS d;
