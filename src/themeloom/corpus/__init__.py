"""From raw exports to unique, anonymous communications.

Of the stages, only this room sees raw text and names; source ids leave it in the crosswalk alone, by which
labels find their messages. Whoever reads new messages (`model`, `assigning`) has them masked here, too.
"""
