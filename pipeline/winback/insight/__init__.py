"""What a run means, in figures for people."""
