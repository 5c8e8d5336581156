"""The seller's own page: where it stands, what it can do, what it was told, and how to object."""
