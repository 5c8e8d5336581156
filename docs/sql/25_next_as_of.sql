-- next_as_of: the first as-of day on or after each day with order lines.
-- One row: a day.
-- Reads: as_of_days, known_lines.
-- Columns: day, as_of (integer).
-- Written by make docs.

create or replace table next_as_of as
SELECT
  l.day,
  MIN(d.as_of) AS as_of
FROM (
  SELECT DISTINCT
    day
  FROM known_lines
) AS l
JOIN as_of_days AS d
  ON d.as_of >= l.day
GROUP BY
  l.day;
