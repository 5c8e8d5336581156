-- most_returned: the item with most returns, with the returns of all the seller's items.
-- One row: a seller and as-of day.
-- Reads: as_of_days, item_returned.
-- Columns: seller_id (varchar); as_of (integer); item_id (varchar); returns, item_returns, items_with_returns (bigint).
-- Written by make docs.

create or replace table most_returned as
SELECT
  seller_id,
  as_of,
  item_id,
  returns,
  item_returns,
  items_with_returns
FROM (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY seller_id, as_of ORDER BY returns DESC, item_id) AS place,
    CAST(SUM(returns) OVER (PARTITION BY seller_id, as_of) AS BIGINT) AS item_returns,
    COUNT(*) OVER (PARTITION BY seller_id, as_of) AS items_with_returns
  FROM (
    SELECT
      x.seller_id,
      d.as_of,
      x.item_id,
      COUNT(*) AS returns
    FROM item_returned AS x
    JOIN as_of_days AS d
      ON x.since <= d.as_of AND d.as_of < x.until AND d.as_of < x.day + 60
    GROUP BY
      x.seller_id,
      d.as_of,
      x.item_id
  ) AS c
) AS r
WHERE
  place = 1;
