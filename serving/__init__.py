"""The service: the online store, the prediction API, the audit log, casework, and the review pages."""
