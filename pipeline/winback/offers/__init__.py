"""What to do: the catalogue of actions, the value at stake, the choice within a budget."""
