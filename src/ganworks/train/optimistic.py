"""Optimistic play (Daskalakis et al. 2018): each step expects the next gradient to be like the last one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


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
        for parameter, group, state in _due(self):
            gradient, (keep, keep_square) = _decayed(parameter, group), group["betas"]
            if not state:
                state["step"] = 0
                state |= {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq", "last")}
            state["step"] += 1
            mean = state["exp_avg"].lerp_(gradient, 1 - keep)
            square = state["exp_avg_sq"].mul_(keep_square).addcmul_(gradient, gradient, value=1 - keep_square)
            root = (square / (1 - keep_square ** state["step"])).sqrt_().add_(group["eps"])
            direction = (mean / (1 - keep ** state["step"])).div_(root)
            parameter.sub_(2 * direction - state["last"], alpha=group["lr"])
            state["last"] = direction


def _due(optimiser: torch.optim.Optimizer) -> Iterable[tuple[Tensor, dict[str, Any], dict[str, Any]]]:
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None:
                yield parameter, group, optimiser.state[parameter]


def _decayed(parameter: Tensor, group: dict[str, Any]) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad if not group["weight_decay"] else parameter.grad.add(parameter, alpha=group["weight_decay"])
