"""Who is asked about at each cutoff, and what came of them."""
