"""Promotion: the gates that a model must pass, the comparison of champion and challenger, and the swap set.

For others: champion_challenger, gates.
"""
