-- worst_items: the item with most returns, with the returns of all the seller's items, and the deliveries of both.
-- One row: a seller and as-of day.
-- Reads: item_delivered, most_returned.
-- Columns: seller_id (varchar); as_of (integer); worst_item (varchar); worst_item_returns, item_returns,
-- items_with_returns, worst_item_deliveries, item_deliveries (bigint).
-- Written by make docs.

create or replace table worst_items as
SELECT
  d.seller_id,
  d.as_of,
  d.item_id AS worst_item,
  d.returns AS worst_item_returns,
  d.item_returns,
  d.items_with_returns,
  CAST(COALESCE(SUM(CASE WHEN x.item_id = d.item_id THEN x.units ELSE 0 END), 0) AS BIGINT) AS worst_item_deliveries,
  CAST(COALESCE(SUM(x.units), 0) AS BIGINT) AS item_deliveries
FROM most_returned AS d
LEFT JOIN item_delivered AS x
  ON x.seller_id = d.seller_id
  AND x.since <= d.as_of
  AND d.as_of < x.until
  AND d.as_of < x.day + 60
GROUP BY
  d.seller_id,
  d.as_of,
  d.item_id,
  d.returns,
  d.item_returns,
  d.items_with_returns;
