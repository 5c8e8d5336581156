"""What goes over the wire: pydantic models of requests and answers.

For others: model, records, score.
"""
