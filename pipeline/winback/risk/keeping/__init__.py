"""Which model answers: files, versions, promotions, rollback, shadows."""
