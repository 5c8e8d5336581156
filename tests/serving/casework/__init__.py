"""Cases, decisions, letters and objections."""
