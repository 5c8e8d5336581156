"""Models: the bundle, scores, reasons and what-if."""
