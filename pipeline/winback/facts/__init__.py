"""What happened: contracts, ingest and quarantine, cutoffs, features, labels."""
