"""Optimistic play (Daskalakis et al. 2018): each step expects the next gradient to be like the last one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

_FUSED = ("cpu", "cuda")  # devices on which all of Adam's arithmetic is one pass over the arrays


class Optimistic(torch.optim.Optimizer):
    """w -= rate (2 g_t - g_{t-1}): optimistic mirror descent (their section 2). The first step is a plain one.

    Args:
        decay: weight decay, part of the gradient.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float, decay: float = 0.0) -> None:
        super().__init__(parameters, {"lr": rate, "weight_decay": decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Step by the gradients that the parameters hold."""
        for parameter, group, state in _due(self):
            gradient = _decayed(parameter, group)
            last = state.get("last", gradient)
            parameter.sub_(2 * gradient - last, alpha=group["lr"])
            state["last"] = gradient.clone()


class OptimisticAdam(torch.optim.Optimizer):
    """w -= rate (2 u_t - u_{t-1}) with u Adam's direction (their Algorithm 1); u_0 = 0, as its moments are.

    Args:
        betas, epsilon: Adam's.
        decay: weight decay, part of the gradient.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float, betas: tuple[float, float],
                 decay: float = 0.0, epsilon: float = 1e-8) -> None:
        super().__init__(parameters, {"lr": rate, "betas": betas, "weight_decay": decay, "eps": epsilon})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Step by the gradients that the parameters hold."""
        alike: dict[Any, list[Tensor]] = {}
        for parameter, group, state in _due(self):
            if not state:
                state["step"] = 0
                state |= {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq", "last")}
            state["step"] += 1
            key = (state["step"], parameter.device, parameter.dtype, id(group))
            alike.setdefault(key, []).append(parameter)
        groups = {id(group): group for group in self.param_groups}
        for (step, *_, group), parameters in alike.items():
            self._move(parameters, groups[group], step)

    def _move(self, parameters: list[Tensor], group: dict[str, Any], step: int) -> None:
        gradients = [_laid_out(_decayed(p, group), p) for p in parameters]
        mean, square, last = ([self.state[p][name] for p in parameters] for name in ("exp_avg", "exp_avg_sq", "last"))
        torch._foreach_add_(parameters, last, alpha=group["lr"])
        _directions(last, gradients, mean, square, step, group)
        torch._foreach_add_(parameters, last, alpha=-2 * group["lr"])


def _directions(out: list[Tensor], gradients: list[Tensor], mean: list[Tensor], square: list[Tensor], step: int,
                group: dict[str, Any]) -> None:
    """Update the moments and put Adam's directions into ``out``."""
    keep, keep_square = group["betas"]
    if out[0].device.type in _FUSED:
        # Torch's one pass is AdamW's on weights: at rate -1, decay -1 takes away all that was there before.
        steps = [torch.full((), float(step), device=out[0].device)] * len(out)
        torch._fused_adamw_(out, gradients, mean, square, [], steps, lr=-1.0, beta1=keep, beta2=keep_square,
                            weight_decay=-1.0, eps=group["eps"], amsgrad=False, maximize=False)
        return
    torch._foreach_lerp_(mean, gradients, 1 - keep)
    torch._foreach_mul_(square, keep_square)
    torch._foreach_addcmul_(square, gradients, gradients, value=1 - keep_square)
    for u, m, s in zip(out, mean, square, strict=True):
        root = (s / (1 - keep_square**step)).sqrt_().add_(group["eps"])
        torch.div(m / (1 - keep**step), root, out=u)


def _laid_out(gradient: Tensor, parameter: Tensor) -> Tensor:
    # The one pass goes through memory, so all arrays must lie there in the same order.
    return gradient if gradient.stride() == parameter.stride() else torch.empty_like(parameter).copy_(gradient)


def _due(optimiser: torch.optim.Optimizer) -> Iterable[tuple[Tensor, dict[str, Any], dict[str, Any]]]:
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None:
                yield parameter, group, optimiser.state[parameter]


def _decayed(parameter: Tensor, group: dict[str, Any]) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad if not group["weight_decay"] else parameter.grad.add(parameter, alpha=group["weight_decay"])
