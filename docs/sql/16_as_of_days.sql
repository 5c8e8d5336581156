-- as_of_days: the as-of days.
-- One row: an as-of day.
-- Reads: nothing.
-- Columns: as_of (integer).
-- Written by make docs.

create or replace table as_of_days as
SELECT
  *
FROM (VALUES
  (20000)) AS d(as_of);
