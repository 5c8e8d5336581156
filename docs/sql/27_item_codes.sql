-- item_codes: numbers of the values of item.
-- One row: a value of item.
-- Reads: orders.
-- Columns: item (varchar); code (bigint).
-- Written by make docs.

create or replace table item_codes as
SELECT
  item,
  ROW_NUMBER() OVER (ORDER BY item) AS code
FROM (
  SELECT DISTINCT
    item_id AS item
  FROM orders
  WHERE
    NOT item_id IS NULL
) AS d;
