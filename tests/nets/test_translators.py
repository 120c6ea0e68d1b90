"""Translators and patch critics: published sizes, shapes, and what they look at."""

from __future__ import annotations

import pytest
import torch

from ganworks.errors import UserError
from ganworks.nets.contract import count_parameters
from ganworks.nets.patchgan import PatchCritic
from ganworks.nets.translator import NORMS, ResNetTranslator, image_norm
from ganworks.nets.unet import UNetTranslator


def test_sizes_are_the_published_ones() -> None:
    # What the authors' program prints, in millions: 11.378 and 2.765 (CycleGAN), 54.414, 41.829 and 2.769 (pix2pix).
    sizes = {"resnet 9": ResNetTranslator(3, 3), "patch": PatchCritic(3), "unet 256": UNetTranslator(3, 3, 8),
             "unet 128": UNetTranslator(3, 3, 7), "patch, told": PatchCritic(6, norm="batch")}
    assert {name: round(count_parameters(net) / 1e6, 3) for name, net in sizes.items()} == {
        "resnet 9": 11.378, "patch": 2.765, "unet 256": 54.414, "unet 128": 41.829, "patch, told": 2.769}


def test_six_blocks_are_three_fewer() -> None:
    block = 2 * (256 * 256 * 9 + 256)
    assert count_parameters(ResNetTranslator(3, 3)) - count_parameters(ResNetTranslator(3, 3, blocks=6)) == 3 * block


@pytest.mark.parametrize("norm", ["instance", "batch", "layer"])
@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 16, 24)])
def test_translations_have_the_size_of_the_image(norm: str, shape: tuple[int, ...]) -> None:
    x = torch.rand(2, *shape) * 2 - 1
    for net in (ResNetTranslator(shape[0], 4, 4, 1, norm), UNetTranslator(shape[0], 4, 3, 4, norm)):
        made = net.eval()(x)
        assert made.shape == (2, 4, *shape[1:])
        assert made.abs().max() <= 1


def test_the_colour_of_a_flat_image_survives_all_normalisations_but_that_of_single_maps() -> None:
    # (x - mean) / sd of a constant map is 0 whatever the constant; over all channels, or over a batch, it is not.
    water, park = (torch.tensor(colour).view(1, 3, 1, 1).expand(1, 3, 8, 8) for colour in ([-0.8, -0.5, 0.6],
                                                                                            [-0.6, 0.4, -0.8]))
    far = {norm: torch.nn.Sequential(*image_norm(3, norm))(torch.cat([water, park])) for norm in NORMS}
    assert {norm: (made[0] - made[1]).abs().max().item() > 0.5 for norm, made in far.items()} == {
        "instance": False, "batch": True, "layer": True}
    assert far["instance"].abs().max() < 1e-3


def test_a_critic_without_normalisation_hears_its_input() -> None:
    # Scales that keep the variance (He et al. 2015): the outputs on random images spread by about 1, not by 1e-4.
    torch.manual_seed(0)
    for layers in (0, 2, 3):
        spread = PatchCritic(3, layers, 16, "none")(torch.randn(8, 3, 48, 48)).scores[0].std().item()
        assert 0.3 < spread < 3


def test_unet_drops_while_it_learns_only() -> None:
    torch.manual_seed(0)
    net, x = UNetTranslator(3, 3, 6, 4, "instance"), torch.rand(1, 3, 64, 64)
    assert not torch.equal(net(x), net(x))
    net.eval()
    assert torch.equal(net(x), net(x))


def test_unet_skips_reach_the_output() -> None:
    # With the innermost maps cut off, what is left comes through the skips: the output still depends on the input.
    torch.manual_seed(0)
    net = UNetTranslator(1, 1, 4, 4, "instance").eval()
    for parameter in net.up[0].parameters():
        parameter.data.zero_()
    a, b = torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16)
    assert (net(a) - net(b)).abs().max() > 1e-4


@pytest.mark.parametrize(("layers", "patch"), [(1, 16), (2, 34), (3, 70)])
def test_a_patch_has_the_published_size(layers: int, patch: int) -> None:
    # Isola et al. 2017, section 3.2.2 and appendix 6.1.2: 70 x 70, 16 x 16 and the like. Which pixels move one output?
    critic = PatchCritic(1, layers, 2, "none").double()
    x = torch.rand(1, 1, 128, 128, dtype=torch.float64, requires_grad=True)
    scores = critic(x).scores[0]
    middle = scores.shape[-1] // 2
    (gradient,) = torch.autograd.grad(scores[0, 0, middle, middle], x)
    rows = gradient[0, 0].abs().sum(1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == patch


def test_a_pixel_critic_sees_single_pixels() -> None:
    critic = PatchCritic(3, 0, 4, "none")
    x = torch.rand(1, 3, 8, 8)
    moved = x.clone()
    moved[0, :, 2, 3] += 1
    changed = (critic(x).scores[0] - critic(moved).scores[0]).abs()[0, 0] > 0
    assert changed.nonzero().tolist() == [[2, 3]]


@pytest.mark.parametrize("layers", range(5))
def test_the_smallest_image_is_judged_and_no_smaller_one(layers: int) -> None:
    critic = PatchCritic(1, layers, 2)
    assert critic(torch.rand(1, 1, critic.smallest, critic.smallest)).scores[0].numel() >= 1
    with pytest.raises(UserError, match="pixels"):
        critic(torch.rand(1, 1, critic.smallest - 1, critic.smallest - 1))


def test_a_critic_is_told_the_input() -> None:
    critic = PatchCritic(4, 1, 2)
    x, told = torch.rand(2, 3, 16, 16), torch.rand(2, 1, 16, 16)
    assert not torch.equal(critic(x, told).scores[0], critic(x, told.flip(0)).scores[0])


@pytest.mark.parametrize("make", [
    lambda: ResNetTranslator(0, 3), lambda: ResNetTranslator(3, 3, blocks=0), lambda: ResNetTranslator(3, 3, norm="no"),
    lambda: ResNetTranslator(3, 3, norm="spectral"), lambda: UNetTranslator(3, 3, 1), lambda: PatchCritic(3, 7),
    lambda: PatchCritic(3, width=0), lambda: UNetTranslator(3, 3, 3, 4)(torch.rand(1, 3, 12, 12))])
def test_what_cannot_be_is_refused(make: object) -> None:
    with pytest.raises(UserError):
        make()  # type: ignore[operator]
