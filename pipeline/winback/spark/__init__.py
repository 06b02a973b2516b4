"""The same features and scores on a cluster: Spark moves the rows, the functions of one machine compute."""
