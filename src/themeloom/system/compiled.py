"""Compiled code that is kept: what numba compiles is read from disk by the next process.

numba files compiled code beside the source or, where that cannot be written, in the user's cache folder
(``NUMBA_CACHE_DIR`` names another), by the processor and the age of the source. Where nothing can be written,
nothing is kept.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

Compiled = TypeVar("Compiled", bound=Callable[..., Any])


def compiled(function: Compiled) -> Compiled:
    """Let numba compile a function of numbers and arrays when it is first called, and keep it on disk."""
    from numba import njit

    found = njit(function)
    with suppress(RuntimeError):  # numba finds no folder that it may write to
        found.enable_caching()
    return cast("Compiled", found)


def keep_compiled(package: str) -> None:
    """Let numba keep on disk what it compiles for a package whose modules are imported already.

    UMAP compiles for some seconds in each new process where nothing is kept. What is compiled lets other
    threads work meanwhile.

    Parameters
    ----------
    package
        Name of the package.
    """
    from numba.core.dispatcher import Dispatcher

    modules = [module for name, module in sys.modules.items() if name.split(".")[0] == package]
    values = [value for module in modules for value in vars(module).values()]
    for function in {value for value in values if isinstance(value, Dispatcher)}:
        function.targetoptions["nogil"] = True
        with suppress(RuntimeError):  # numba finds no folder that it may write to
            function.enable_caching()
