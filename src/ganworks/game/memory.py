"""What graphs hold of the memory, and how much of it is free."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from torch import Tensor


class _Held:
    __slots__ = ("__weakref__", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


@contextmanager
def held_by_graphs() -> Iterator[Callable[[], int]]:
    """Yield a function that returns how many bytes are held for backward passes recorded in this context.

    What several operations save, or several views of it, is counted once; what no graph needs any more, not at all.
    """
    alive: weakref.WeakSet[_Held] = weakref.WeakSet()

    def save(tensor: Tensor) -> _Held:
        held = _Held(tensor.detach())  # with its graph it would hold the node that holds it
        alive.add(held)
        return held

    def total() -> int:
        storages = [held.tensor.untyped_storage() for held in alive]
        return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())

    with torch.autograd.graph.saved_tensors_hooks(save, lambda held: held.tensor):
        yield total


def free_bytes(device: torch.device) -> int | None:
    """Return how much memory of a device is free, None where the system does not say."""
    if device.type == "cuda":
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + held
    with suppress(OSError, StopIteration, ValueError):  # what is free counts what the file cache would give back
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("MemAvailable")).split()[1])
    with suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None
