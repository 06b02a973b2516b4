"""What a file of orders holds, guessed from its names and values: columns, dates, numbers, grain, returns."""
