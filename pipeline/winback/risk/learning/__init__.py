"""From labelled rows to a candidate."""
