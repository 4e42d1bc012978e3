import sys
import threading
import time
import types
from pathlib import Path

import numba
import numpy as np

from themeloom.config import ReduceConfig
from themeloom.corpus import minhash
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.reduce import layouts
from themeloom.system.compiled import compiled, keep_compiled


def test_what_umap_compiles_is_kept_for_the_next_process():
    vectors = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
    layouts(Neighbourhood(vectors), ReduceConfig(), [1])
    from umap.layouts import _nb_optimize_layout_euclidean_single_epoch as epoch

    assert epoch.stats.cache_hits or epoch.stats.cache_misses
    assert list(Path(epoch.stats.cache_path).glob("layouts._optimize_layout_euclidean_single_epoch*.nbi"))


def test_what_is_compiled_of_our_own_is_kept_too():
    minhash.shingles("one two three")
    assert list(Path(minhash._hashed.stats.cache_path).glob("minhash._hashed*.nbi"))


def test_what_is_compiled_lets_other_threads_work(monkeypatch):
    def spin(turns):
        state = 1
        for _ in range(turns):
            state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
        return state

    module = types.ModuleType("busy")
    module.spin = numba.njit(spin)
    monkeypatch.setitem(sys.modules, "busy", module)
    keep_compiled("busy")
    module.spin(1)
    began = time.perf_counter()
    module.spin(200_000_000)
    alone = time.perf_counter() - began
    work = threading.Thread(target=module.spin, args=(200_000_000,))
    began = time.perf_counter()
    work.start()
    time.sleep(alone / 10)
    waited = time.perf_counter() - began
    work.join()
    assert waited < alone / 2


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same(monkeypatch):
    def double(number):
        return 2 * number

    module = types.ModuleType("homeless")
    module.double = numba.njit(types.FunctionType(double.__code__.replace(co_filename="<nowhere>"), {}))
    monkeypatch.setitem(sys.modules, "homeless", module)
    keep_compiled("homeless")
    assert module.double(21) == 42
    assert compiled(types.FunctionType(double.__code__.replace(co_filename="<nowhere>"), {}))(21) == 42
