"""How good a model is, told honestly."""
