"""On what this process may compute: how many cores, which device, how much at once."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import TypeVar

from themeloom.progress import Progress
from themeloom.system.cores import cores
from themeloom.system.memory import available, give_back

T = TypeVar("T")


def device() -> str:
    """Return where torch works: 'cuda' or 'mps' where there is one, else 'cpu'."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def multiplies_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 in hardware: Intel's AMX, or AVX-512 (AMD since Zen 4)."""
    import torch

    tell: Callable[[], dict[str, object]] = getattr(torch.cpu, "get_capabilities", dict)  # older ones do not
    able = tell()
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))


@contextmanager
def on_cores() -> Iterator[None]:
    """Meanwhile give torch no more threads than there are cores, unless OMP_NUM_THREADS says otherwise.

    In a container torch counts the cores of the whole machine, and its threads are in each other's way.
    """
    import torch

    before = torch.get_num_threads()
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(before, cores()))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def at_once(tasks: Sequence[Callable[[], T]], halt: Event | None = None, need: int = 0) -> list[T]:
    """Do tasks on all cores, each in one thread; results in the order of the tasks.

    Where each is known to `need` so many bytes, no more are done at once than there is memory for.
    What one has freed is given back before the next begins, which may be another thread's.
    Where one fails, or Ctrl-C is pressed, `halt` is set, so that the others can end too.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    room = available() // need if need else len(tasks)
    pool = ThreadPoolExecutor(max(min(cores(), len(tasks), room), 1))
    try:
        return [future.result() for future in [pool.submit(_done, task) for task in tasks]]
    except BaseException:
        if halt is not None:
            halt.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(before)


def _done(task: Callable[[], T]) -> T:
    result = task()
    give_back()
    return result


def until(halt: Event, progress: Progress) -> Callable[[int], None]:
    """Tell of steps, until it is time to end."""

    def stepped(steps: int) -> None:
        if halt.is_set():
            raise InterruptedError("another adaptation failed, or was stopped")
        progress.advance(steps)

    return stepped
