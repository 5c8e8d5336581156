"""Sellers' objections: `objections`, their answers in `rulings`, and a seller scored again in `recompute`.

For others: objections, recompute, rulings.
"""
