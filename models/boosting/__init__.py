"""Boosted trees with the roll-forward as offset: one model, several models in one pass, and SHAP values.

For others: joint_predict, risk_model, tree_shap.
"""
