"""Proof that a change of structure changes nothing: freeze what the product gives, compare it with another checkout's.

    python -m benchmarks.unchanged freeze OUT.json [--only NAME] [--work DIR]
    python -m benchmarks.unchanged compare BEFORE.json AFTER.json

The product is asked by its command line and over HTTP only, so one copy of this folder runs on both checkouts. The
records: simulated (700 sellers, 450 days, seed 1), flights-route, flights-aircraft, olist. The parts of each: the
written record, the ledger with its corrections, the feature table, the training's report and bundle, the scores, and
answers of the API. Of the simulated record also: a ledger that took the last week later, and the scores from it; the
review pages with the practice casework; what reviewers decided, exported, with the database's tables and columns; a
recalibration and the comparison with the champion; and every command's arguments and options. A challenger that the
gates refuse (flights-aircraft, olist) is made the champion in MLflow, so that its scores are frozen too.

Words are not compared. A text with a space counts by the numbers in it, in any order; a page by its links, form fields
and numbers, in their order. A column of a table counts by all its values, rows in the order of their keys. Left out, as
two runs of the same code differ in them: decision_id, keys and passwords, times of today, ages, and the work folder's
paths. Left out, as they cover words: digests of models and of the files that hold sentences. For the review pages the
clock stands still, new ids are counted and salts are fixed; ids in links are numbered by page.
"""
