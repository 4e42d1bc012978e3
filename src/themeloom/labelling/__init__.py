"""The page where people code messages, and the file that keeps what they say."""
