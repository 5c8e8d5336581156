"""Training: backtests, fits, gates, promotion and reports."""
