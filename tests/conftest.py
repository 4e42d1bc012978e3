"""What tests of several rooms share."""

import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import _trials
import hypothesis
import numpy as np
import pytest
from playwright.sync_api import Browser, Error, sync_playwright
from xdist.scheduler import LoadFileScheduling

from browsing import Visit
from coding import Server
from themeloom.config import ReduceConfig
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.reduce import reduce
from themeloom.system.locks import alone

# Trials are forked from a process that has done already what each would do first.
_trials.PRELOADED.append("warmed")

# How long an example takes is for benchmarks to tell.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

LONGEST = (
    "test_reliability.py",
    "test_many.py",
    "test_app.py",
    "test_full_disk.py",
    "test_tracking_postgres.py",
    "test_sweeping.py",
    "test_manual.py",
    "test_pipeline.py",
    "test_exposure.py",
    "test_tracking.py",
    "test_page.py",
    "test_adapt.py",
    "test_no_leak.py",
    "test_labelling_study.py",
    "test_accessible.py",
    "test_fluent.py",
    "test_stance.py",
    "test_outbox.py",
    "test_prevalence.py",
    "test_large.py",
    "test_notebooks.py",
    "test_wheel.py",
)
"""Files of a third of a minute and more, longest first: if one came last, a worker would be at it alone.

Two that need no layout stand among the first, and are run while another worker compiles (`compiled_once`).
"""

FORKED = ("test_reliability.py", "test_full_disk.py", "test_tracking_postgres.py", "test_sweeping.py")
"""Files that fork trials from a process that has imported everything, which takes half a minute."""

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _no_browser(reason: str) -> None:
    sentence = f"no Chromium to open pages with ({reason}); install the package 'chromium'"
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)


class ByFile(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each worker whole files, and all files of trials to one, so that one process is forked from."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "trials" if file.endswith(FORKED) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile | None:
    """Take the place of xdist's own ``--dist loadfile``."""
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_configure() -> None:
    """Look for no garbage while libraries are imported, which stay: that would take a third of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin the longest files first; each file's tests stay in their order."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of several workers, let one compile UMAP, and the others wait and read what it keeps.

    Where nothing is kept yet, each would compile for a minute.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        with alone(tmp_path_factory.getbasetemp().parent / "compiling"):
            vectors = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
            reduce(Neighbourhood(vectors), ReduceConfig(), 1)


@pytest.fixture(scope="module", autouse=True)
def compiled_once(request: pytest.FixtureRequest) -> None:
    """Wait for UMAP in every file but those of the labelling page, which need no layout."""
    if request.path.parent.name != "labelling":
        request.getfixturevalue("compiled")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One headless Chromium a test file; without one its tests skip, but fail where CI is set.

    It does not outlive the file, as Playwright keeps an event loop running in which no other may start.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        _no_browser("none of " + ", ".join(names) + " is on the path")
    with sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        except Error as error:
            _no_browser(str(error).splitlines()[0])
        yield started
        started.close()


@pytest.fixture(scope="module", autouse=True)
def no_tracking_address_of_other_files() -> Iterator[None]:
    """MLflow keeps the address that it was given last for the whole process."""
    yield
    if "mlflow" in sys.modules:
        sys.modules["mlflow"].set_tracking_uri(None)


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Give a command in this process, which has imported everything; its exit code, and all that it said."""

    def given(*words: object) -> tuple[int, str, str]:
        from themeloom import cli

        monkeypatch.setattr(sys, "argv", ["themeloom", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return (stopped.value.code or 0, *capsys.readouterr())

    return given


@pytest.fixture
def coding_server() -> Iterator[Callable[..., Server]]:
    """Start servers of the labelling page, which end with the test, however it ends."""
    with ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(Server(*arguments, **options)).start()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Open a file or an address: ``visit(path, color_scheme='dark')``; the script `before` runs first."""
    contexts = []

    def opened(target: Path | str, *, before: str | None = None, **options: object) -> Visit:
        context = browser.new_context(**options)
        contexts.append(context)
        seen = Visit(context.new_page())
        seen.page.on("pageerror", lambda error: seen.problems.append(str(error)))
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on(
            "console", lambda said: said.type == "error" and seen.problems.append(f"console: {said.text}")
        )
        if before is not None:
            seen.page.add_init_script(before)
        seen.page.goto(target.resolve().as_uri() if isinstance(target, Path) else target)
        return seen

    yield opened
    for context in contexts:
        context.close()
