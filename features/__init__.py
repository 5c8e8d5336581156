"""The data: contract and checks, readers, the ledger, standards, labels, and the catalogue of features."""
