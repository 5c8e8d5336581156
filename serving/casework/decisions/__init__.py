"""Reviewers' decisions: `decision` and `decide`, and the seller's letter: `letters`, `write_letter`, `regimes`.

For others: decide, decision, letters, regimes.
"""
