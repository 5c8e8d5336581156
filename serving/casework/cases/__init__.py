"""Cases: `case`, `rules`, `case_repository`, `case_actions` and `experiment_arms`, all for use by others.

For others: case, case_actions, case_repository, experiment_arms, rules.
"""
