"""Code that all packages use and that knows nothing of marketplaces: days, arrays, errors, settings, SQL text."""
