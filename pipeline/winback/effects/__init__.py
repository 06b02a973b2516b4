"""Did it work: what campaigns truly changed, against the customers held out."""
