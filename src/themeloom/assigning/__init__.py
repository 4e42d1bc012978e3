"""New messages in a model: placed, in files of any size or on many machines, or added to it."""
