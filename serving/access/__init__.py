"""Who may ask: API keys with roles, how often each may, and the secret that keeps their hashes apart from others'."""
