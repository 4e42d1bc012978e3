"""A page that was opened in the browser."""

from dataclasses import dataclass, field

from playwright.sync_api import Page


@dataclass
class Visit:
    """A page that was opened in the browser, and what it did."""

    page: Page
    problems: list[str] = field(default_factory=list)  # errors of its scripts and in its console
    requests: list[str] = field(default_factory=list)  # addresses that it asked for

    @property
    def outside(self) -> list[str]:
        """Requests that leave the page."""
        return [url for url in self.requests if not url.startswith(("file:", "data:", "blob:"))]
