"""A study between its runs: what to label next, the labelling page, what may be written over, cleaning."""
