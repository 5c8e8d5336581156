-- shared_orders: orders of more than one line.
-- One row: an order.
-- Reads: orders.
-- Columns: order_id (varchar).
-- Written by make docs.

create or replace table shared_orders as
SELECT
  order_id
FROM orders
GROUP BY
  order_id
HAVING
  COUNT(*) > 1;
