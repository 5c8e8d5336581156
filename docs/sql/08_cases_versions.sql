-- cases_versions: versions of cases with the days they are valid from and to, and the days it was unanswered and
-- unresolved.
-- One row: a version of a row of cases.
-- Reads: cases, seller_codes.
-- Columns: case_id (varchar); seller (bigint); kind, order_id (varchar); opened_at_day (integer); unanswered_day,
-- unresolved_day (bigint); own_fault, lone (boolean); valid_from, valid_to (integer).
-- Written by make docs.

create or replace table cases_versions as
SELECT
  *
FROM (
  SELECT
    case_id,
    seller,
    kind,
    order_id,
    opened_at_day,
    CASE
      WHEN kind = 'inquiry' AND COALESCE(first_response_at > opened_at + 172800000000, TRUE)
      THEN DATE_DIFF(
        'DAY',
        CAST('1970-01-01' AS DATE),
        CAST(FROM_UTC_TIMESTAMP(MAKE_TIMESTAMP(opened_at + 172800000000), 'UTC') AS DATE)
      )
    END AS unanswered_day,
    CASE
      WHEN closed_at <= opened_at + 1209600000000
      THEN CASE WHEN resolution <> 'seller' THEN closed_at_day END
      ELSE DATE_DIFF(
        'DAY',
        CAST('1970-01-01' AS DATE),
        CAST(FROM_UTC_TIMESTAMP(MAKE_TIMESTAMP(opened_at + 1209600000000), 'UTC') AS DATE)
      )
    END AS unresolved_day,
    COALESCE(NOT fault IN ('buyer', 'carrier', 'platform'), TRUE) AS own_fault,
    lone AND NOT news AS lone,
    CASE WHEN news THEN closed_at_day ELSE valid_from END AS valid_from,
    valid_to
  FROM (
    SELECT
      *,
      COALESCE((
        recorded_at IS NULL AND fault IN ('buyer', 'carrier', 'platform')
      ), FALSE) AS news
    FROM (
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
              LEAD(recorded_at_day) OVER (PARTITION BY case_id ORDER BY COALESCE(recorded_at, -86400000000000000)),
              1000000
            ) AS valid_to,
            COUNT(*) OVER (
              PARTITION BY case_id
              ORDER BY COALESCE(recorded_at, -86400000000000000)
              rows BETWEEN UNBOUNDED preceding AND UNBOUNDED following
            ) = 1 AS lone
          FROM cases
        ) AS v
        WHERE
          valid_from < valid_to
      ) AS q
      JOIN seller_codes AS c
        ON c.seller_id = q.seller_id
    ) AS v
  ) AS w
  WHERE
    NOT news OR NOT closed_at IS NULL
  UNION ALL
  SELECT
    case_id,
    seller,
    kind,
    order_id,
    opened_at_day,
    CASE
      WHEN kind = 'inquiry' AND COALESCE(first_response_at > opened_at + 172800000000, TRUE)
      THEN DATE_DIFF(
        'DAY',
        CAST('1970-01-01' AS DATE),
        CAST(FROM_UTC_TIMESTAMP(MAKE_TIMESTAMP(opened_at + 172800000000), 'UTC') AS DATE)
      )
    END AS unanswered_day,
    CASE
      WHEN closed_at <= opened_at + 1209600000000
      THEN CASE WHEN resolution <> 'seller' THEN closed_at_day END
      ELSE DATE_DIFF(
        'DAY',
        CAST('1970-01-01' AS DATE),
        CAST(FROM_UTC_TIMESTAMP(MAKE_TIMESTAMP(opened_at + 1209600000000), 'UTC') AS DATE)
      )
    END AS unresolved_day,
    TRUE AS own_fault,
    FALSE AS lone,
    valid_from,
    LEAST(closed_at_day, valid_to) AS valid_to
  FROM (
    SELECT
      *,
      COALESCE((
        recorded_at IS NULL AND fault IN ('buyer', 'carrier', 'platform')
      ), FALSE) AS news
    FROM (
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
              LEAD(recorded_at_day) OVER (PARTITION BY case_id ORDER BY COALESCE(recorded_at, -86400000000000000)),
              1000000
            ) AS valid_to,
            COUNT(*) OVER (
              PARTITION BY case_id
              ORDER BY COALESCE(recorded_at, -86400000000000000)
              rows BETWEEN UNBOUNDED preceding AND UNBOUNDED following
            ) = 1 AS lone
          FROM cases
        ) AS v
        WHERE
          valid_from < valid_to
      ) AS q
      JOIN seller_codes AS c
        ON c.seller_id = q.seller_id
    ) AS v
  ) AS w
  WHERE
    news
) AS c
WHERE
  valid_from < valid_to;
