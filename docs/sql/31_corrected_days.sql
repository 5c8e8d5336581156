-- corrected_days: days that a correction touches.
-- One row: a seller and day.
-- Reads: ledger_corrections.
-- Columns: seller_id (varchar); day (bigint).
-- Written by make docs.

create or replace table corrected_days as
SELECT DISTINCT
  seller_id,
  effective_day AS day
FROM ledger_corrections;
