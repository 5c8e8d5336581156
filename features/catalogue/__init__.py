"""The feature catalogue: each feature once, with formula, unit, family, direction and sentence.

For others: evaluate, failure_kinds, feature, features, formulas, sentence_columns, sentences.
"""
