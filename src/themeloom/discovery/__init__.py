"""From communications to topics that emerge from them, untouched by any label."""
