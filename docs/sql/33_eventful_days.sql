-- eventful_days: days on which a quantity is above 0, and the days from and until which each is the last one known.
-- One row: a seller, quantity, day and time during which it is the last.
-- Reads: corrected_days, corrected_sums, ledger.
-- Columns: seller_id, quantity (varchar); day, since, until (bigint).
-- Written by make docs.

create or replace table eventful_days as
SELECT
  seller_id,
  quantity,
  day,
  day AS since,
  COALESCE(LEAD(day) OVER (PARTITION BY seller_id, quantity ORDER BY day), 1000000) AS until
FROM (
  SELECT
    l.seller_id,
    'cancelled_by_seller' AS quantity,
    l.day
  FROM ledger AS l
  LEFT JOIN corrected_days AS c
    ON c.seller_id = l.seller_id AND c.day = l.day
  WHERE
    cancelled_by_seller > 0 AND c.day IS NULL
  UNION ALL
  SELECT
    l.seller_id,
    'case_unresolved' AS quantity,
    l.day
  FROM ledger AS l
  LEFT JOIN corrected_days AS c
    ON c.seller_id = l.seller_id AND c.day = l.day
  WHERE
    case_unresolved > 0 AND c.day IS NULL
  UNION ALL
  SELECT
    l.seller_id,
    'item_not_received' AS quantity,
    l.day
  FROM ledger AS l
  LEFT JOIN corrected_days AS c
    ON c.seller_id = l.seller_id AND c.day = l.day
  WHERE
    item_not_received > 0 AND c.day IS NULL
  UNION ALL
  SELECT
    l.seller_id,
    'late_seller_fault' AS quantity,
    l.day
  FROM ledger AS l
  LEFT JOIN corrected_days AS c
    ON c.seller_id = l.seller_id AND c.day = l.day
  WHERE
    late_seller_fault > 0 AND c.day IS NULL
  UNION ALL
  SELECT
    l.seller_id,
    'low_rating' AS quantity,
    l.day
  FROM ledger AS l
  LEFT JOIN corrected_days AS c
    ON c.seller_id = l.seller_id AND c.day = l.day
  WHERE
    low_rating > 0 AND c.day IS NULL
  UNION ALL
  SELECT
    l.seller_id,
    'not_as_described' AS quantity,
    l.day
  FROM ledger AS l
  LEFT JOIN corrected_days AS c
    ON c.seller_id = l.seller_id AND c.day = l.day
  WHERE
    not_as_described > 0 AND c.day IS NULL
  UNION ALL
  SELECT
    l.seller_id,
    'returned' AS quantity,
    l.day
  FROM ledger AS l
  LEFT JOIN corrected_days AS c
    ON c.seller_id = l.seller_id AND c.day = l.day
  WHERE
    returned > 0 AND c.day IS NULL
  UNION ALL
  SELECT
    l.seller_id,
    'service_failure' AS quantity,
    l.day
  FROM ledger AS l
  LEFT JOIN corrected_days AS c
    ON c.seller_id = l.seller_id AND c.day = l.day
  WHERE
    service_failure > 0 AND c.day IS NULL
  UNION ALL
  SELECT
    l.seller_id,
    'service_failure_seller_fault' AS quantity,
    l.day
  FROM ledger AS l
  LEFT JOIN corrected_days AS c
    ON c.seller_id = l.seller_id AND c.day = l.day
  WHERE
    service_failure_seller_fault > 0 AND c.day IS NULL
  UNION ALL
  SELECT
    l.seller_id,
    'unanswered_48h' AS quantity,
    l.day
  FROM ledger AS l
  LEFT JOIN corrected_days AS c
    ON c.seller_id = l.seller_id AND c.day = l.day
  WHERE
    unanswered_48h > 0 AND c.day IS NULL
) AS u
UNION ALL
SELECT
  seller_id,
  'cancelled_by_seller' AS quantity,
  day,
  since,
  until
FROM corrected_sums
WHERE
  cancelled_by_seller > 0
UNION ALL
SELECT
  seller_id,
  'case_unresolved' AS quantity,
  day,
  since,
  until
FROM corrected_sums
WHERE
  case_unresolved > 0
UNION ALL
SELECT
  seller_id,
  'item_not_received' AS quantity,
  day,
  since,
  until
FROM corrected_sums
WHERE
  item_not_received > 0
UNION ALL
SELECT
  seller_id,
  'late_seller_fault' AS quantity,
  day,
  since,
  until
FROM corrected_sums
WHERE
  late_seller_fault > 0
UNION ALL
SELECT
  seller_id,
  'low_rating' AS quantity,
  day,
  since,
  until
FROM corrected_sums
WHERE
  low_rating > 0
UNION ALL
SELECT
  seller_id,
  'not_as_described' AS quantity,
  day,
  since,
  until
FROM corrected_sums
WHERE
  not_as_described > 0
UNION ALL
SELECT
  seller_id,
  'returned' AS quantity,
  day,
  since,
  until
FROM corrected_sums
WHERE
  returned > 0
UNION ALL
SELECT
  seller_id,
  'service_failure' AS quantity,
  day,
  since,
  until
FROM corrected_sums
WHERE
  service_failure > 0
UNION ALL
SELECT
  seller_id,
  'service_failure_seller_fault' AS quantity,
  day,
  since,
  until
FROM corrected_sums
WHERE
  service_failure_seller_fault > 0
UNION ALL
SELECT
  seller_id,
  'unanswered_48h' AS quantity,
  day,
  since,
  until
FROM corrected_sums
WHERE
  unanswered_48h > 0;
