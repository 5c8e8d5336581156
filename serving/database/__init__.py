"""The database: connections, tables and migrations. It keeps the audit log, API keys, jobs, logins and casework.

SQLite under home by default, PostgreSQL by the setting FORESELL_DATABASE; the same tables, the same tests. Read with
`reading(engine)`, write with `writing(engine)`: on SQLite only a writer takes the lock, and takes it at once.

For others: api_keys, chained_table, clock, connection, metadata, migrate, tables.

To add a table:

1. Define it in `serving/database/tables/<subject>.py` with `metadata=METADATA`; a new file needs no registration.
   Times are text from `clock.now`, so that both databases sort and compare them alike.
2. `python -m serving.database.migrations.draft "what it adds"` compares the tables with the migrations and writes the
   difference as a new file of `serving/database/migrations/versions`. Read it, run `ruff check --fix` and `ruff format`
   on it, and commit it. A released migration never changes, and only a backup undoes one. Where a rebase leaves two
   migrations after the same one, name the other as `down_revision` of yours; a test checks that they form one line.
3. Every process that opens the database first brings it to the newest migration, one process at a time.
"""
