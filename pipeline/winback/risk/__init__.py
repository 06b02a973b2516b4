"""Who leaves and why: training set, estimator, evaluation, registry, scores, reasons."""
