"""What the machine gives: files written whole, caches, locks, processes, memory."""
