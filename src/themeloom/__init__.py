"""Emergent topics from messages, mapped to a study's themes and proved against hand labels."""
