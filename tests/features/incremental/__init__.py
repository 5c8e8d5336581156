"""A ledger that grows by the files of a day."""
