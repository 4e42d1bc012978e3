"""What a paper's appendix takes from a run: the methods text, and the table of themes with quotations."""

from themeloom.reporting.contents import Methods
from themeloom.reporting.texts import say


def methods_text(methods: Methods) -> str:
    """Write the methods text and its references as Markdown."""
    listed = "\n".join(f"- {one.text}" for one in methods.references)
    head = f"# {say('method.title')}"
    return "\n\n".join([head, *methods.paragraphs, f"## {say('method.references')}", listed]) + "\n"
