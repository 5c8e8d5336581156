"""The ledger: per seller and day, what became known that day, in whole numbers that add up.

For others: appeals, build, evidence, facts, new_to_seller, order_versions, quantities.
"""
