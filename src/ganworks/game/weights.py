"""Terms on a player's own weights."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils.parametrize import ParametrizationList, is_parametrized

from ganworks.errors import UserError, did_you_mean
from ganworks.game.game import Round
from ganworks.game.terms import Term
from ganworks.game.turn import Turn

Player = Literal["generator", "critic"]


class Orthogonal(Term):
    """The sum over layers of |W W^T * (1 - I)|_F^2 (Brock et al. 2019, eq. 3), W (outputs, the rest) of a layer.

    Rows of W are the filters: it costs that they are not at right angles; their lengths are left alone. All linear and
    convolutional layers count; of a layer with spectral normalisation, the weight before it.

    Args:
        player: whose weights.
        diagonal: want filters of length 1, too: |W W^T - I|_F^2 (Brock et al. 2019, eq. 2).
    """

    def __init__(self, player: Player, diagonal: bool = False) -> None:
        super().__init__()
        _check(player)
        self.player, self.diagonal = player, diagonal

    def forward(self, turn: Turn) -> Tensor:
        costs = [self._cost(w) for w in matrices(_network(turn, self.player))]
        if not costs:
            raise UserError(f"orthogonality of a {self.player} without linear or convolutional layers",
                            "a network that has some", "leave the term out")
        return functools.reduce(torch.add, costs)

    def _cost(self, w: Tensor) -> Tensor:
        with torch.autocast(w.device.type, enabled=False):
            products = w @ w.mT
        lengths = products.diagonal(dim1=-2, dim2=-1)
        away = products - torch.diag_embed(torch.ones_like(lengths) if self.diagonal else lengths)
        return away.square().sum()


class HistoricalAverage(Term):
    """|theta - mean of the past theta|^2 (Salimans et al. 2016, section 3.3), on a player's own weights.

    The past is what its weights were after each of its moves; before the first one the term is 0.

    Args:
        player: whose weights, by its name in the game.
        network: that player.
    """

    mean: Tensor
    count: Tensor

    def __init__(self, player: Player, network: nn.Module) -> None:
        super().__init__()
        _check(player)
        # In a tuple, so that the network does not become part of the term: it is saved as a player already.
        self.player, self._networks = player, (network,)
        self.register_buffer("mean", torch.cat([torch.zeros_like(p).reshape(-1).detach() for p in _learning(network)]))
        self.register_buffer("count", torch.zeros(()))

    def forward(self, turn: Turn) -> Tensor:
        # The squared error of each weight by itself: neither its value nor its slope puts the weights together.
        costs = [nn.functional.mse_loss(p, mean, reduction="sum")
                 for p, mean in self._pairs(_network(turn, self.player))]
        return self.count.clamp(max=1) * functools.reduce(torch.add, costs)

    def played(self, player: str, rounds: Sequence[Round], mean: Callable[[Tensor], Tensor]) -> None:
        if player == self.player:
            share = 1 / self.count.add_(1).to(self.mean.dtype)
            for p, past in self._pairs(self._networks[0]):
                past.lerp_(p.detach(), share)

    def _pairs(self, network: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
        weights = _learning(network)
        means = self.mean.split([p.numel() for p in weights])
        return ((p, mean.view(p.shape)) for p, mean in zip(weights, means, strict=True))


def matrices(network: nn.Module) -> Iterator[Tensor]:
    """Yield the weight of each linear and convolutional layer as matrices (groups, outputs, the rest).

    Filters of different groups look at different inputs, so they are at right angles whatever they are.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear):
            yield _weight(module).unsqueeze(0)
        elif isinstance(module, _ConvTransposeNd):  # its weight is (inputs, outputs of a group, ...)
            yield _weight(module).unflatten(0, (module.groups, -1)).transpose(1, 2).flatten(2)
        elif isinstance(module, _ConvNd):
            yield _weight(module).unflatten(0, (module.groups, -1)).flatten(2)


def _weight(layer: nn.Module) -> Tensor:
    # To ask a spectrally normalised layer for its weight is a step of its power iteration: look at what is behind.
    if is_parametrized(layer, "weight"):
        behind = layer.parametrizations["weight"]  # type: ignore[index]
        if isinstance(behind, ParametrizationList) and behind.is_tensor:
            return behind.original
    return layer.weight  # type: ignore[return-value]


def _learning(network: nn.Module) -> list[Tensor]:
    return [p for p in network.parameters() if p.requires_grad]


def _network(turn: Turn, player: str) -> nn.Module:
    return turn.generator if player == "generator" else turn.critic


def _check(player: str) -> None:
    if player not in ("generator", "critic"):
        raise UserError(f"the weights of player '{player}'", did_you_mean(player, ("generator", "critic")))
