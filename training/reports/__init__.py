"""Reports for people: report.html, the model card, the summary in sentences, charts and pictures.

For others: model_card, plots, report, summary.
"""
