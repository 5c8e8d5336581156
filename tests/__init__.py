"""The tests, a folder for each package; `support` holds what they share."""
