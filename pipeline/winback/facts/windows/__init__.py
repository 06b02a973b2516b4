"""Which churn window the data speak for."""
