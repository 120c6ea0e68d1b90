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
    known = [_free_of_machine(), _left_of_group(), _left_of_addresses()]
    return min((left for left in known if left is not None), default=None)


def _free_of_machine() -> int | None:
    with suppress(OSError, StopIteration, ValueError):  # what is free counts what the file cache would give back
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("MemAvailable")).split()[1])
    with suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _left_of_group(groups: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return what a container, or a job of a batch system, may still take: the least along its line of groups."""
    left = []
    with suppress(OSError):
        for line in groups.read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds and "memory" not in kinds.split(","):
                continue
            top = root / "memory" if kinds else root  # the first version of such groups has a tree for each resource
            most, taken = ("memory.limit_in_bytes", "memory.usage_in_bytes") if kinds else ("memory.max",
                                                                                           "memory.current")
            here = top / path.strip("/")
            for group in (here, *(parent for parent in here.parents if parent.is_relative_to(top))):
                with suppress(OSError, ValueError):  # "max" is no limit
                    cache = _inactive_file(group)
                    left.append(int((group / most).read_text()) - int((group / taken).read_text()) + cache)
    return max(min(left), 0) if left else None


def _inactive_file(group: Path) -> int:
    """Return what the file cache of a group would give back."""
    facts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return int(facts.get("total_inactive_file", facts.get("inactive_file", 0)))


def _left_of_addresses() -> int | None:
    """Return what the process's limit of addresses (ulimit -v) leaves."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            return max(most - pages * resource.getpagesize(), 0)
    return None
