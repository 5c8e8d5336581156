-- sellers_versions: versions of sellers with the days they are valid from and to.
-- One row: a version of a row of sellers.
-- Reads: seller_codes, sellers.
-- Columns: seller (bigint); seller_id, name (varchar); joined_at (bigint); joined_at_day (integer); left_at (bigint);
-- left_at_day (integer); region, fulfilment (varchar); natural_person (boolean); recorded_at (bigint); recorded_at_day,
-- valid_from, valid_to (integer); lone (boolean).
-- Written by make docs.

create or replace table sellers_versions as
SELECT
  c.seller,
  q.*
FROM (
  SELECT
    *
  FROM (
    SELECT
      *,
      COALESCE(recorded_at_day, -1000000) AS valid_from,
      COALESCE(
        LEAD(recorded_at_day) OVER (PARTITION BY seller_id ORDER BY COALESCE(recorded_at, -86400000000000000)),
        1000000
      ) AS valid_to,
      COUNT(*) OVER (
        PARTITION BY seller_id
        ORDER BY COALESCE(recorded_at, -86400000000000000)
        rows BETWEEN UNBOUNDED preceding AND UNBOUNDED following
      ) = 1 AS lone
    FROM sellers
  ) AS v
  WHERE
    valid_from < valid_to
) AS q
JOIN seller_codes AS c
  ON c.seller_id = q.seller_id;
