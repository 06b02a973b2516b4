"""Every retention metric by its own name: what it is, its figure and how sure that is."""
