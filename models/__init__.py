"""The models: roll-forward, boosted trees, probabilities, reasons, the bundle of models and the MLflow registry."""
