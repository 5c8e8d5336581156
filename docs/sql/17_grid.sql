-- grid: as-of days of each seller from its first ledger day on.
-- One row: a seller and as-of day.
-- Reads: as_of_days, ledger.
-- Columns: seller (bigint); as_of, tenure_days (integer).
-- Written by make docs.

create or replace table grid as
SELECT
  s.seller,
  d.as_of,
  CASE WHEN d.as_of >= s.first_ordered THEN d.as_of - s.first_ordered END AS tenure_days
FROM (
  SELECT
    seller,
    MIN(day) AS first_day,
    MIN(CASE WHEN ordered > 0 THEN day END) AS first_ordered
  FROM ledger
  GROUP BY
    seller
) AS s
JOIN as_of_days AS d
  ON d.as_of >= s.first_day;
