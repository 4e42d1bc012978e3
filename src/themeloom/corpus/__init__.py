"""From raw exports to unique, anonymous communications.

Only this room sees raw text, names and source ids.
"""
