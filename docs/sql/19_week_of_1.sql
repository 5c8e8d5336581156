-- week_of_1: the end of each ledger day's week.
-- One row: a day.
-- Reads: ledger, week_ends_1.
-- Columns: day, week_end (integer).
-- Written by make docs.

create or replace table week_of_1 as
SELECT
  d.day,
  MIN(e.as_of) AS week_end
FROM (
  SELECT DISTINCT
    day
  FROM ledger
  WHERE
    day <= 20000
) AS d
JOIN week_ends_1 AS e
  ON e.as_of >= d.day
GROUP BY
  d.day;
