"""The log of answers and its chain of digests."""
