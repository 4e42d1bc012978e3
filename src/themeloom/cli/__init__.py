"""The command line: one thin command a verb; heavy imports stand inside the commands."""

import errno
import gc
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from themeloom.cli import crash, labelling, labels, models, studies
from themeloom.cli.options import say
from themeloom.cli.stopping import orderly

__all__ = ["app", "main"]

app = typer.Typer(
    name="themeloom",
    help="Emergent topics from messages, mapped to a study's themes and proved against hand labels.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}

COMMANDS = (
    studies.run,
    studies.demo,
    studies.check,
    studies.audit,
    studies.sweep,
    models.report,
    models.export,
    models.compare,
    models.assign,
    models.update,
    models.register,
    models.sync,
    labels.sample,
    labelling.label,
    labelling.export_labels,
    labelling.import_labels,
    labels.undecided,
    labels.plan,
    labels.agree,
    studies.bench,
    studies.clean,
    studies.ui,
)
for _command in COMMANDS:
    app.command()(_command)


def _tell_version(wanted: bool) -> None:
    from importlib.metadata import version

    if wanted:
        say(f"themeloom {version('themeloom')}")
        raise typer.Exit


@app.callback()
def _before_any(
    version: Annotated[
        bool, typer.Option("--version", help="Tell the version.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """Take what stands before a command."""


def _printable(fault: str) -> str:
    """Escape what a file's names and values could do to the terminal."""
    return "".join(sign if sign.isprintable() or sign == "\n" else repr(sign)[1:-1] for sign in fault)


def main() -> None:
    """Run the command line; a fault that the user can mend is one sentence and exit code 2, any other 1."""
    from themeloom.errors import ThemeloomError

    _open_what_is_closed()
    _show_what_cannot_be()
    gc.set_threshold(50_000)  # a tenth of a short command went to looking through libraries, which stay
    try:
        with orderly():
            _told_whole()
    except ThemeloomError as error:
        for fault in error.faults:
            sys.stderr.write(f"themeloom: {_printable(fault)}\n")
        sys.exit(error.exit_code)
    except PermissionError as error:
        sys.stderr.write(
            f"themeloom: {_printable(str(error.filename))}: cannot be used ({error.strerror}); see that you "
            "may read and write it, or work in a folder of your own.\n"
        )
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 (what nobody foresaw may quote a message)
        sys.stderr.write(crash.told(error))
        sys.exit(1)


def _open_what_is_closed() -> None:
    """Let nobody hear what is printed where a shell closed it (``>&-``).

    Python has no such stream then, and the first file that is opened would get its number, and so all that
    compiled code and other processes print.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 (until the process ends)
            os.set_inheritable(nowhere.fileno(), True)
            setattr(sys, name, nowhere)


def _show_what_cannot_be() -> None:
    """Print the letters that a terminal cannot show, as of Hebrew one in Latin-1, by their numbers."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors in {"strict", "surrogateescape"}:
            stream.reconfigure(errors="backslashreplace")


def _told_whole() -> None:
    """Run the command line until all that it prints has left the process.

    Raises
    ------
    OutputError
        If there is no room for what is printed, or for temporary files; of all others it is told elsewhere.
    """
    from themeloom.errors import OutputError

    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in {*_NO_ROOM, errno.EPIPE}:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing more is printed, nor tried at the end
        if error.errno == errno.EPIPE:  # whoever read it has seen enough
            sys.exit(1)
        where = error.filename or "what is printed"
        raise OutputError(
            f"{where}: cannot be written ({error.strerror}); make room on that disk. What was kept stays."
        ) from None
