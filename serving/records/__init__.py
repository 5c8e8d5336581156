"""What must not be lost: predictions, and whatever people and other systems say of them, in one database.

SQLite under home by default, PostgreSQL by the setting FORESELL_DATABASE; the same tables, the same tests.

To add a table:

1. Define it in `serving/records/tables/<subject>.py` with `metadata=METADATA`; a new file needs no registration.
   Times are text from `clock.now`, so that both databases sort and compare them alike.
2. `python -m serving.records.draft "what it adds"` compares the tables with the migrations and writes the difference as
   a new file of `serving/records/migrations/versions`. Read it, run `ruff check --fix` and `ruff format` on it, and
   keep it: a released migration is never changed, and there is no way down but a backup. A rebase that leaves two of
   them after the same one is mended by naming the other as `down_revision`; a test holds that they are one line.
3. Every process that opens the database brings it to the newest migration first, one process at a time.

Read with `reading(engine)`, write with `writing(engine)`: on SQLite only a writer takes the lock, and takes it at once.
"""
