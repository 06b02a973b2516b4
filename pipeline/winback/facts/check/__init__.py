"""What is odd about the data, and whether they are enough."""
