"""The estimators, the scores and the reasons."""
