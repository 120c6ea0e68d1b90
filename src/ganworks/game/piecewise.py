"""Second backward passes without the products that are known to be zero."""

from __future__ import annotations

from torch import Tensor
from torch.autograd.graph import Node

FLAT = frozenset({"LeakyReluBackwardBackward0", "ThresholdBackwardBackward0", "HardtanhBackwardBackward0"})
"""torch's names for the derivative of the slope of an activation that is made of straight pieces (ReLU: threshold)."""


def without_zeros(gradient: Tensor) -> Tensor:
    """Return ``gradient``, whose own backward pass leaves out what is zero for activations of straight pieces.

    The slope of such an activation does not change with its input. torch says so with a tensor of zeros, and carries
    that all the way back through the forward pass, which is a third of the work of a gradient penalty. Here it is told
    that there is nothing. Results are the same to the last bit; should torch rename its nodes, this does nothing.

    Args:
        gradient: made by ``torch.autograd.grad(..., create_graph=True)``.
    """
    seen: set[Node] = set()
    waiting = [gradient.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        following = [other for other, _ in node.next_functions]
        if node.name() in FLAT:  # of the gradient that came in, and of the activation's input
            node.register_hook(_first_alone)
            following = following[:1]
        waiting += following
    return gradient


def _first_alone(inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> tuple[Tensor | None, ...]:
    return inputs[0], *[None for _ in inputs[1:]]
