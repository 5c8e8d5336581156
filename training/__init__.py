"""Training: the fit, the calibration, the backtest with its baselines, the promotion gates, and the reports."""
