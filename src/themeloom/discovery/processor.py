"""Torch on the cores that this process may use."""

import os

from themeloom.cores import cores


def use_cores() -> None:
    """Give torch as many threads as there are cores, unless OMP_NUM_THREADS says otherwise.

    In a container torch counts the cores of the whole machine, and its threads are in each other's way.
    """
    import torch

    if "OMP_NUM_THREADS" not in os.environ and torch.get_num_threads() > cores():
        torch.set_num_threads(cores())
