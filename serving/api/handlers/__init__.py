"""One module for each group of endpoints: each function answers one call.

For others: jobs, model, outcomes, pages, predictions, score.
"""
