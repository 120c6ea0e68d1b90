"""Terms on what goes on inside the critic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ganworks.errors import UserError, did_you_mean
from ganworks.game.scores import full, sum_of_means
from ganworks.game.terms import Term
from ganworks.game.turn import Turn
from ganworks.nets.contract import Verdict

Layers = Literal["all", "last"]


class FeatureMatching(Term):
    """The generator's samples should look to the critic's inner layers as real ones do.

    "mean" is |E f(x) - E f(G(z))|_2^2 (Salimans et al. 2016, section 3.1), the mean over the samples at hand. "pairs"
    is the mean of |f(x) - f(G(z))| between each sample and its own target, in games that have one (Wang et al. 2018,
    eq. 4; Kong et al. 2020, eq. 4). Both are summed over layers and heads.

    Args:
        form: "mean" or "pairs".
        layers: "all" of them, or each head's "last".
    """

    def __init__(self, form: Literal["mean", "pairs"] = "mean", layers: Layers = "all") -> None:
        super().__init__()
        if form not in ("mean", "pairs"):
            raise UserError(f"feature matching: form '{form}'", did_you_mean(form, ("mean", "pairs")))
        if layers not in ("all", "last"):
            raise UserError(f"feature matching: layers '{layers}'", did_you_mean(layers, ("all", "last")))
        self.form, self.layers = form, layers

    def forward(self, turn: Turn) -> Tensor:
        pairs = zip(_layers(turn.on_real, self.layers, "feature matching"),
                    _layers(turn.on_fake, self.layers, "feature matching"), strict=True)
        if self.form == "pairs":
            return sum_of_means([(real - fake).abs() for real, fake in pairs])
        return torch.stack([(real.mean(0) - fake.mean(0)).square().sum() for real, fake in pairs]).sum()


class PullAway(Term):
    """The mean square of the cosine between the codes of two generated samples (Zhao et al. 2017, eq. 9).

    The code is the last inner layer that the critic shows, of each head: an autoencoder shows its code there.
    """

    def forward(self, turn: Turn) -> Tensor:
        return torch.stack([_pull(code.flatten(1)) for code in _layers(turn.on_fake, "last", "pull-away")]).sum()


def _pull(code: Tensor) -> Tensor:
    count = len(code)
    if count < 2:
        raise UserError("pull-away in a batch of 1", "at least 2 samples", "take a larger --batch")
    unit = normalize(code)
    with torch.autocast(unit.device.type, enabled=False):
        cosines = unit @ unit.T
    # Each pair once, and none of a sample with itself; so twice the sum.
    return 2 * cosines.triu(1).square().sum() / (count * (count - 1))


def _layers(verdict: Verdict, which: Layers, term: str) -> Sequence[Tensor]:
    heads = [head for head in verdict.features if len(head)]
    if not heads:
        raise UserError(f"{term} on a critic that shows no inner layers",
                        "a critic whose verdict has features",
                        "let it return Verdict(scores, features), or leave the term out")
    return [full(layer) for head in heads for layer in (head if which == "all" else (head[-1],))]
