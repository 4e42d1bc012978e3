"""The stages put together: discovery, then what looks at labels, and what a run gives to people."""
