"""What several tests use: small marketplaces, the oracle, fixtures and servers."""
