"""A critic that is an autoencoder: what it cannot reproduce is not real (EBGAN, BEGAN)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from ganworks.errors import UserError, did_you_mean
from ganworks.nets.contract import Critic, Verdict
from ganworks.nets.dcgan import DCGANGenerator, down_stages, looks_around
from ganworks.nets.layers import Norm, check_images, check_norm, doubled, has_bias, initialise, normalised, stages
from ganworks.nets.mlp import MLPGenerator

Energy = Literal["squared", "absolute"]


class AutoencoderCritic(Critic):
    """Samples (N, *shape) to minus the energy (N,), the error of their reconstruction; the code is the one feature.

    Both papers' energies are low on real samples, hence the minus: high = real, and at most 0. Both are taken as means
    over a sample's entries, so that margins and balances do not depend on its size.

    Images are coded by DCGAN's critic (strided convolutions, leaky ReLU 0.2, a linear map to the code) and decoded by
    DCGAN's generator, whose tanh keeps to the range of images. Points are coded and decoded by two hidden layers each.

    Args:
        shape: of one sample: images (C, S, S), S from 8 to 128, or points (D,).
        code: how many numbers a sample is squeezed into.
        width: channels of the first maps, or units of the hidden layers.
        norm: "batch", "instance", "spectral" or "none".
        energy: "squared", the mean of (Dec(Enc(x)) - x)^2 (Zhao et al. 2017, eq. 13, as mean squared error), or
            "absolute", the mean of |x - D(x)| (Berthelot et al. 2017, eq. 1 with eta = 1).
    """

    def __init__(self, shape: tuple[int, ...], code: int = 64, width: int = 64, norm: Norm = "none",
                 energy: Energy = "squared") -> None:
        super().__init__()
        if energy not in ("squared", "absolute"):
            raise UserError(f"energy '{energy}'", did_you_mean(energy, ("squared", "absolute")))
        if code < 1:
            raise UserError(f"autoencoder: a code of {code} numbers", "at least 1")
        self.energy = energy
        build = _of_points if len(shape) == 1 else _of_images
        self.encoder, self.decoder = build(tuple(shape), code, width, norm)
        self.judges_alone = not looks_around(self)

    def forward(self, x: Tensor) -> Verdict:
        code = self.encoder(x)
        error = self.decoder(code) - x
        entries = error.square() if self.energy == "squared" else error.abs()
        return Verdict((-entries.mean(tuple(range(1, x.dim()))),), ((code,),))

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return Dec(Enc(x)), of the shape of x."""
        return self.decoder(self.encoder(x))


def _of_images(shape: tuple[int, ...], code: int, width: int, norm: Norm) -> tuple[nn.Module, nn.Module]:
    channels, side = check_images("autoencoder", shape, width, norm)
    down = down_stages(channels, side, width, norm)
    numbers = doubled(width, len(down))[-1] * stages(side)[-1] ** 2
    encoder = nn.Sequential(*down, nn.Flatten(), _squeeze(numbers, code, norm))
    initialise(encoder, norm)
    return encoder, DCGANGenerator(shape, code, width, norm)


def _of_points(shape: tuple[int, ...], code: int, width: int, norm: Norm) -> tuple[nn.Module, nn.Module]:
    check_norm(norm)
    if width < 1:
        raise UserError(f"autoencoder: width {width}", "at least 1")
    layers: list[nn.Module] = []
    for before in (shape[0], width):
        layers += [*normalised(nn.Linear(before, width, bias=has_bias(norm)), width, norm, "1d"),
                   nn.LeakyReLU(0.2, inplace=True)]
    encoder = nn.Sequential(*layers, _squeeze(width, code, norm))
    initialise(encoder, "spectral" if norm == "spectral" else "none")
    return encoder, MLPGenerator(shape, code, (width, width), norm)


def _squeeze(numbers: int, code: int, norm: Norm) -> nn.Module:
    layer = nn.Linear(numbers, code)
    return normalised(layer, code, norm)[0] if norm == "spectral" else layer
