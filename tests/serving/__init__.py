"""Serving: the API and its store."""
