"""Who may be profiled and contacted: permissions, the ledger of suppressions, and erasure."""
