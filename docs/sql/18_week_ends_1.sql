-- week_ends_1: days up to which sums are needed.
-- One row: a week's end.
-- Reads: nothing.
-- Columns: as_of (integer).
-- Written by make docs.

create or replace table week_ends_1 as
SELECT
  *
FROM (VALUES
  (19601),
  (19608),
  (19636),
  (19664),
  (19825),
  (19916),
  (19944),
  (19958),
  (19972),
  (19986),
  (19993),
  (20000)) AS d(as_of);
