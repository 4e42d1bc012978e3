"""From topics to the study's themes, by a hand-labelled sample, and the proof of it."""
