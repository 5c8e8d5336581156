"""Features: intake, ledger, feature rows, standards and labels."""
