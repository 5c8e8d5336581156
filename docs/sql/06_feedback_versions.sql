-- feedback_versions: versions of feedback with the days they are valid from and to.
-- One row: a version of a row of feedback.
-- Reads: feedback, seller_codes.
-- Columns: seller (bigint); feedback_id, order_id, seller_id (varchar); rating (integer); created_at (bigint);
-- created_at_day (integer); shared (boolean); recorded_at (bigint); recorded_at_day, valid_from, valid_to (integer);
-- lone (boolean).
-- Written by make docs.

create or replace table feedback_versions as
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
        LEAD(recorded_at_day) OVER (PARTITION BY feedback_id ORDER BY COALESCE(recorded_at, -86400000000000000)),
        1000000
      ) AS valid_to,
      COUNT(*) OVER (
        PARTITION BY feedback_id
        ORDER BY COALESCE(recorded_at, -86400000000000000)
        rows BETWEEN UNBOUNDED preceding AND UNBOUNDED following
      ) = 1 AS lone
    FROM feedback
  ) AS v
  WHERE
    valid_from < valid_to
) AS q
JOIN seller_codes AS c
  ON c.seller_id = q.seller_id;
