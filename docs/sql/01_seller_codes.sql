-- seller_codes: a number for each seller: shorter than its id.
-- One row: a seller.
-- Reads: cases, feedback, orders, sellers.
-- Columns: seller_id (varchar); seller (bigint).
-- Written by make docs.

create or replace table seller_codes as
SELECT
  seller_id,
  ROW_NUMBER() OVER (ORDER BY seller_id) AS seller
FROM (
  SELECT
    seller_id
  FROM orders
  UNION
  SELECT
    seller_id
  FROM cases
  UNION
  SELECT
    seller_id
  FROM feedback
  UNION
  SELECT
    seller_id
  FROM sellers
) AS s;
