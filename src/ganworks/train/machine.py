"""The only file that knows device, precision, memory layout, compilation and processes."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganworks.data.source import Batch, as_floats
from ganworks.errors import UserError, did_you_mean
from ganworks.game import Game, Noise
from ganworks.seeds import mix

if TYPE_CHECKING:
    from accelerate import PartialState

PRECISIONS = ("float32", "tf32", "bf16")
Precision = Literal["float32", "tf32", "bf16"]


class Machine:
    """Where a game is trained: one device or many processes, started by torchrun or ``accelerate launch``.

    Every process holds the whole game and plays its rows of the global batch; gradients are averaged by one flat
    all-reduce after the backward pass, which, unlike wrappers of the networks, is right for any cost, double
    backward included. Batch normalisation takes each process's rows by themselves, as it takes the parts of an
    accumulated batch.

    Args:
        device: "auto" (an accelerator where there is one), "cpu" or "cuda".
        precision: "tf32" (float32, but on newer GPUs what is multiplied is rounded to 10 bits, as PyTorch does of
            itself in convolutions; elsewhere the same as float32), "float32", or "bf16" (autocast; weights,
            costs and penalties stay float32).
        compile: compile the networks with torch.compile; second-order moves run eagerly.

    Attributes:
        rank, world: number of this process and how many there are.
    """

    def __init__(self, device: str = "auto", precision: Precision = "tf32", compile: bool = False) -> None:
        if precision not in PRECISIONS:
            raise UserError(f"precision '{precision}'", did_you_mean(precision, PRECISIONS))
        if device == "cuda" and not torch.cuda.is_available():
            raise UserError("device 'cuda'", "a CUDA device that torch can see", "take --device cpu")
        from accelerate import PartialState

        # Without an accelerator Accelerate must be told so, or many processes would not find each other.
        self._state = PartialState(cpu=device == "cpu" or not torch.accelerator.is_available())
        self.device = _place(device, self._state.device)
        self.rank, self.world = self._state.process_index, self._state.num_processes
        if self.world > 1:
            atexit.register(_leave, self._state)
        self.precision, self.compile = precision, compile
        self._channels_last = False
        if self.device.type == "cuda":
            # Exact resume needs the same algorithm each time; a search by timing does not give it.
            torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
            torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
            torch.backends.cudnn.allow_tf32 = precision == "tf32"
        else:
            _keep_large_blocks()

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    @property
    def arithmetic(self) -> str:
        """What the precision comes to here: tf32 is float32 where there is no newer GPU."""
        return "float32" if self.precision == "tf32" and self.device.type == "cpu" else self.precision

    def prepare(self, game: Game) -> None:
        """Move a game here, with the same weights in every process, laid out and compiled as it runs best."""
        # Decided by what the game is, not by timing it: the order of sums must not depend on a stopwatch.
        self._channels_last = any(isinstance(m, nn.Conv2d | nn.ConvTranspose2d) for m in game.modules())
        game.to(self.device)
        if self._channels_last:
            game.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            for module in game.modules():
                if isinstance(module, nn.Conv2d) and _by_pixel not in module._forward_pre_hooks.values():
                    module.register_forward_pre_hook(_by_pixel)
        if self.world > 1:
            for tensor in (*game.parameters(), *game.buffers()):
                torch.distributed.broadcast(tensor.data, 0)
        if self.compile:
            for player in game.players.values():
                for network in player.values() if isinstance(player, nn.ModuleDict) else (player,):
                    network.compile()

    def feed(self, batch: Batch) -> dict[str, Tensor]:
        """Move a batch to the device and turn image bytes into floats in [-1, 1]."""
        fed = {}
        for name, tensor in batch.items():
            if self.device.type == "cuda":
                tensor = tensor.pin_memory().to(self.device, non_blocking=True)
            tensor = as_floats(tensor)
            if tensor.dim() == 4 and self._channels_last:
                tensor = tensor.contiguous(memory_format=torch.channels_last)
            fed[name] = tensor
        return fed

    def rows(self, size: int, part: int, parts: int) -> slice:
        """Return this process's rows of part ``part`` of ``parts`` of a global batch of ``size``."""
        share, rest = divmod(size, parts * self.world)
        if rest:
            raise UserError(f"a batch of {size} in {self.world} processes and {parts} parts each",
                            f"a multiple of {parts * self.world}", "change --batch or --accumulate")
        start = (self.rank * parts + part) * share
        return slice(start, start + share)

    def seed(self, *parts: int | str) -> None:
        """Seed torch's own random numbers (dropout, a user's code) from ``parts`` and the process's number."""
        value = mix(*parts, self.rank)
        torch.default_generator.manual_seed(value)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(value)

    def noise(self, seed: int, total: int, rows: slice) -> Noise:
        """Return the random numbers of one draw; the same in every process but for the rows."""
        return Noise(seed, total, rows, self.device)

    def play(self, second_order: bool) -> contextlib.AbstractContextManager:
        """Return the context in which a move's cost is computed: autocast, and eager where gradients are nested."""
        if self.precision != "bf16" and not self.compile:
            return contextlib.nullcontext()
        stack = contextlib.ExitStack()
        if self.precision == "bf16":
            stack.enter_context(torch.autocast(self.device.type, torch.bfloat16))
        if self.compile and second_order:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        return stack

    def backward(self, costs: Mapping[str, Tensor], parameters: Sequence[nn.Parameter], share: float) -> None:
        """Add the gradient of ``share`` times the sum of the costs to the given parameters, and to no others."""
        total = functools.reduce(torch.add, costs.values())
        (total if share == 1 else total * share).backward(inputs=list(parameters))

    def update(self, optimiser: torch.optim.Optimizer, parameters: Sequence[nn.Parameter], clip: float | None) -> None:
        """Average gradients over the processes, clip them, step, and forget them."""
        if self.world > 1:
            self.average([p.grad for p in parameters if p.grad is not None])
        if clip is not None:
            nn.utils.clip_grad_norm_(parameters, clip)
        optimiser.step()
        for p in parameters:  # what zero_grad does, without its bookkeeping, which small networks feel
            p.grad = None

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of a tensor over the processes."""
        if self.world > 1:
            values = values.clone()
            torch.distributed.all_reduce(values)
            values /= self.world
        return values

    def agree(self, game: nn.Module) -> None:
        """Give every process the mean of the batch-norm statistics, before a save.

        All other buffers are equal in all processes, or meant to be each one's own.
        """
        norms = [module for module in game.modules() if isinstance(module, _BatchNorm)]
        self.average([b for norm in norms for b in norm.buffers() if b.is_floating_point()])

    def wait(self) -> None:
        """Wait until every process is here."""
        self._state.wait_for_everyone()

    def any(self, flag: bool) -> bool:
        """Whether ``flag`` is true in any process."""
        if self.world == 1:
            return flag
        return bool(self.mean(torch.tensor([float(flag)], device=self.device)).item() > 0)

    def average(self, tensors: list[Tensor]) -> None:
        """Give every process the mean of these tensors."""
        if self.world == 1 or not tensors:
            return
        # One message of all the numbers: the many small ones of a network would each wait for the network's latency.
        flat = torch.cat([t.reshape(-1) for t in tensors])
        torch.distributed.all_reduce(flat)
        flat /= self.world
        for t, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            t.copy_(part.view(t.shape))


def _place(asked: str, shared: torch.device) -> torch.device:
    # Accelerate's state is one for the process: its device is that of the first machine, whatever a later one asks for.
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if asked == "cpu" or accelerator is None:
        return torch.device("cpu")
    return accelerator if shared.type == "cpu" else shared


def _leave(state: PartialState) -> None:
    # Gloo's threads free the last message's tensors, for which they need the interpreter. It must not be gone by then,
    # or the process aborts at its very end: sleeping hands it to them.
    time.sleep(0.1)
    state.destroy_process_group()


def _by_pixel(_: nn.Module, told: tuple[Any, ...]) -> tuple[Any, ...]:
    """Let a convolution of one channel answer in channels-last layout.

    What has one channel lies the same in either layout. Where neither the image nor the weight says which is meant (a
    foreseen weight does not), torch takes the other one: the first layer's maps would lie across those of all layers
    behind it, and whatever meets both would go through them number by number.
    """
    if not told or not isinstance(told[0], Tensor) or told[0].dim() != 4 or told[0].shape[1] != 1:
        return told
    x, *more = told
    return x.reshape(x.shape[0], *x.shape[2:], 1).permute(0, 3, 1, 2), *more


def _keep_large_blocks() -> None:
    # glibc gives large blocks back to the system at each free and gets them anew, page by page, at the next step.
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            libc = ctypes.CDLL("libc.so.6")
            m_trim_threshold, m_mmap_threshold = -1, -3
            libc.mallopt(m_mmap_threshold, 1 << 30)
            libc.mallopt(m_trim_threshold, 1 << 30)
