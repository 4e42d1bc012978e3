"""Many configurations of one experiment: what is tried, each run, and all of them."""
