"""Did it work: hold-outs, lists that leave the house."""
