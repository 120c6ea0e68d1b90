"""The trainer's speed, side by side: against the best minimal loop, the textbook loop, and torchgan.

    python benchmarks/trainer.py                    # the whole table, about 20 minutes on 2 cores
    python benchmarks/trainer.py dcgan --bursts 5   # one case, fewer turns

Every contender lives in a process of its own, with the same networks, batch, optimiser settings and data, and runs in
bursts by turns; a ratio is formed pair by pair within a turn, and the table shows the median of the ratios. torchgan
is measured where it is installed (pip install torchgan); it imports torchvision only for its image grids, so where
that is missing an empty stand-in takes its place.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import types
from functools import partial
from typing import Any

from racing import Step, device, machine, race, ratio

BATCH = 64
"""Of every case that does not name its own."""


def images(side: int, channels: int) -> Any:
    import torch

    return torch.randint(0, 256, (2048, channels, side, side), dtype=torch.uint8,
                         generator=torch.Generator().manual_seed(0))


CASES: dict[str, dict[str, Any]] = {
    "mlp": {"side": 28, "channels": 1, "latent": 64, "steps": 20, "title": "MLP 3x256, 28x28, non-saturating"},
    "dcgan": {"side": 32, "channels": 3, "latent": 100, "steps": 6, "title": "DCGAN-32, width 64, non-saturating"},
    "upsampling": {"side": 32, "channels": 3, "latent": 100, "steps": 6,
                   "title": "the scripts' own DCGAN-32 (upsampling, 3x3 convolutions), non-saturating"},
    "wgan-gp": {"side": 28, "channels": 1, "latent": 64, "steps": 5, "critic_steps": 5,
                "title": "WGAN-GP, MLP 3x256, 28x28, 5 critic steps"},
    "dcgan-gp": {"side": 32, "channels": 3, "latent": 100, "steps": 2, "critic_steps": 5,
                 "title": "WGAN-GP, DCGAN-32, width 32, 5 critic steps"},
    "dcgan-64": {"side": 64, "channels": 3, "latent": 100, "steps": 6, "batch": 256, "width": 128,
                 "title": "DCGAN-64, width 128, batch 256, non-saturating"},
    "dcgan-64-gp": {"side": 64, "channels": 3, "latent": 100, "steps": 4, "batch": 256, "width": 128,
                    "critic_steps": 1, "title": "WGAN-GP, DCGAN-64, width 128, batch 256"},
}
LARGE = ("dcgan-64", "dcgan-64-gp")
"""Cases for a GPU."""


def networks(case: str) -> tuple[Any, Any]:
    import torch

    from ganworks.nets import DCGANCritic, DCGANGenerator, MLPCritic, MLPGenerator

    torch.manual_seed(0)
    facts = CASES[case]
    shape = (facts["channels"], facts["side"], facts["side"])
    if case == "upsampling":
        return upsampling(facts["latent"], facts["channels"])
    if case.startswith("dcgan"):
        penalised = case.endswith("-gp")
        width, norm = facts.get("width", 32 if penalised else 64), "none" if penalised else "batch"
        return DCGANGenerator(shape, facts["latent"], width), DCGANCritic(shape, width, norm)
    return MLPGenerator(shape, facts["latent"], [256] * 3), MLPCritic(shape, [256] * 3)


def upsampling(latent: int, channels: int) -> tuple[Any, Any]:
    """The DCGAN-32 of the well-known script collections: a generator of nearest upsampling and 3x3 convolutions, a
    critic of 3x3 convolutions of stride 2 with dropout, batch normalisation in both."""
    from torch import nn

    def down(before: int, after: int, norm: bool = True) -> list[Any]:
        return [nn.Conv2d(before, after, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True), nn.Dropout2d(0.25),
                *([nn.BatchNorm2d(after, 0.8)] if norm else [])]

    generator = nn.Sequential(
        nn.Linear(latent, 128 * 8 * 8), nn.Unflatten(1, (128, 8, 8)), nn.BatchNorm2d(128), nn.Upsample(scale_factor=2),
        nn.Conv2d(128, 128, 3, 1, 1), nn.BatchNorm2d(128, 0.8), nn.LeakyReLU(0.2, inplace=True),
        nn.Upsample(scale_factor=2), nn.Conv2d(128, 64, 3, 1, 1), nn.BatchNorm2d(64, 0.8),
        nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(64, channels, 3, 1, 1), nn.Tanh())
    critic = nn.Sequential(*down(channels, 16, False), *down(16, 32), *down(32, 64), *down(64, 128), nn.Flatten(),
                           nn.Linear(128 * 2 * 2, 1), nn.Flatten(0))
    return generator, critic


def batch_of(case: str) -> int:
    return int(CASES[case].get("batch", BATCH))


def scorer(critic: Any) -> Any:
    """Return the function that gives a critic's raw outputs as one tensor."""
    from ganworks.nets.contract import as_verdict

    return lambda x: as_verdict(critic(x)).scores[0]


def ganworks_step(case: str) -> Step:
    """The product: trainer, guard and log as in a run, without a directory."""
    from ganworks.data import from_torch
    from ganworks.design import objective_named
    from ganworks.game import Duel, GradientPenalty, Latent, Weighted
    from ganworks.train import Adam, Recipe, Trainer
    from ganworks.train.watch import Guard, Log

    facts = CASES[case]
    generator, critic = networks(case)
    penalised = "critic_steps" in facts
    terms = [Weighted("gradient_penalty", GradientPenalty(), 10.0)] if penalised else []
    objective = objective_named("wgan" if penalised else "nonsaturating")
    game = Duel(generator, critic, objective, Latent(facts["latent"]),
                critic_terms=terms, critic_steps=facts.get("critic_steps", 1))
    adam = Adam(1e-4, (0.5, 0.9))
    recipe = Recipe(game, from_torch(images(facts["side"], facts["channels"])),
                    {"generator": adam, "critic": adam}, steps=10**9, batch=batch_of(case))
    return Trainer(recipe, hooks=[Guard(), Log(None)]).advance


def batches(case: str) -> Any:
    """Shuffled batches in [-1, 1], drawn as cheaply as a hand-written loop can."""
    import torch

    data = images(CASES[case]["side"], CASES[case]["channels"])
    size, place = batch_of(case), device()
    order, at = torch.randperm(len(data)), 0

    def draw() -> Any:
        nonlocal order, at
        if at + size > len(data):
            order, at = torch.randperm(len(data)), 0
        batch = data[order[at : at + size]]
        at += size
        if place == "cuda":
            batch = batch.pin_memory().to(place, non_blocking=True)
        return batch.float().div_(127.5).sub_(1)

    return draw


def minimal_step(case: str) -> Step:
    """The best loop by hand: one generator pass for both players, gradients only where due, fused Adam, channels last,
    both kinds of samples in one critic pass where that is the same, large blocks kept by the allocator."""
    import torch
    from torch.nn.functional import softplus

    from ganworks.train.machine import _keep_large_blocks

    _keep_large_blocks()
    facts, draw, size = CASES[case], batches(case), batch_of(case)
    generator, critic = (network.to(device()) for network in networks(case))
    convolutions, penalised = case.startswith(("dcgan", "upsampling")), "critic_steps" in facts
    if convolutions:
        generator.to(memory_format=torch.channels_last)
        critic.to(memory_format=torch.channels_last)
    g_adam = torch.optim.Adam(generator.parameters(), 1e-4, (0.5, 0.9), fused=True)
    d_adam = torch.optim.Adam(critic.parameters(), 1e-4, (0.5, 0.9), fused=True)

    score = scorer(critic)

    def step() -> None:
        for again in range(facts.get("critic_steps", 1)):
            last = again == facts.get("critic_steps", 1) - 1
            real = draw()
            if convolutions:
                real = real.contiguous(memory_format=torch.channels_last)
            with torch.set_grad_enabled(last):
                fake = generator(torch.randn(size, facts["latent"], device=device()))
            still = fake.detach()
            if convolutions and not penalised:
                on_real, on_fake = score(real), score(still)
            else:
                on_real, on_fake = score(torch.cat([real, still])).chunk(2)
            if penalised:
                mixed = torch.lerp(still, real, torch.rand(size, 1, 1, 1, device=device())).requires_grad_()
                (gradient,) = torch.autograd.grad(score(mixed).sum(), mixed, create_graph=True)
                norm = torch.linalg.vector_norm(gradient, dim=(1, 2, 3))
                cost = on_fake.mean() - on_real.mean() + 10 * (norm - 1).square().mean()
            else:
                cost = softplus(-on_real).mean() + softplus(on_fake).mean()
            cost.backward()
            d_adam.step()
            d_adam.zero_grad()
        critic.requires_grad_(False)
        on_fake = score(fake)
        (-on_fake.mean() if penalised else softplus(-on_fake).mean()).backward()
        critic.requires_grad_(True)
        g_adam.step()
        g_adam.zero_grad()

    return step


def textbook_step(case: str) -> Step:
    """The loop of the well-known script collections: NCHW, plain Adam, samples drawn
    with a graph, the critic's own gradients computed and thrown away in the generator's step, items read each step."""
    import torch
    from torch import autograd

    facts, draw, size = CASES[case], batches(case), batch_of(case)
    generator, critic = (network.to(device()) for network in networks(case))
    g_adam = torch.optim.Adam(generator.parameters(), 1e-4, (0.5, 0.9))
    d_adam = torch.optim.Adam(critic.parameters(), 1e-4, (0.5, 0.9))
    bce = torch.nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(size, device=device()), torch.zeros(size, device=device())

    score = scorer(critic)

    def plain() -> None:
        real = draw()
        g_adam.zero_grad()
        fake = generator(torch.randn(size, facts["latent"], device=device()))
        g_cost = bce(score(fake), ones)
        g_cost.backward()
        g_adam.step()
        d_adam.zero_grad()
        d_cost = (bce(score(real), ones) + bce(score(fake.detach()), zeros)) / 2
        d_cost.backward()
        d_adam.step()
        g_cost.item(), d_cost.item()

    def penalised() -> None:
        for _ in range(facts["critic_steps"]):
            real = draw()
            d_adam.zero_grad()
            fake = generator(torch.randn(size, facts["latent"], device=device()))
            e = torch.rand(size, 1, 1, 1, device=device())
            mixed = (e * real + (1 - e) * fake.detach()).requires_grad_(True)
            on_mixed = score(mixed)
            gradient = autograd.grad(on_mixed, mixed, torch.ones_like(on_mixed), create_graph=True,
                                     retain_graph=True)[0].view(size, -1)
            penalty = ((gradient.norm(2, dim=1) - 1) ** 2).mean()
            cost = -score(real).mean() + score(fake.detach()).mean() + 10 * penalty
            cost.backward()
            d_adam.step()
        g_adam.zero_grad()
        g_cost = -score(generator(torch.randn(size, facts["latent"], device=device()))).mean()
        g_cost.backward()
        g_adam.step()
        cost.item(), g_cost.item()

    return penalised if "critic_steps" in facts else plain


def torchgan_step(case: str) -> Step:
    """torchgan's own trainer and losses on the same networks; a call is one critic step, a generator step each k."""
    import torch
    from torch import nn

    _stand_in_for_torchvision()
    import torchgan.losses as losses
    from torchgan.models import Discriminator, Generator
    from torchgan.trainer import Trainer

    facts, draw = CASES[case], batches(case)
    inner_g, inner_d = networks(case)

    class G(Generator):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(facts["latent"])
            self.inner = inner_g

        def forward(self, z: Any, feature_matching: bool = False) -> Any:
            return self.inner(z)

    class D(Discriminator):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(facts["channels"])
            self.inner = inner_d

        def forward(self, x: Any, feature_matching: bool = False) -> Any:
            return scorer(self.inner)(x)

    adam = {"name": torch.optim.Adam, "args": {"lr": 1e-4, "betas": (0.5, 0.9)}}
    critic_steps = facts["critic_steps"]
    trainer = Trainer({"generator": {"name": G, "optimizer": adam}, "discriminator": {"name": D, "optimizer": adam}},
                      [losses.WassersteinGeneratorLoss(), losses.WassersteinDiscriminatorLoss(),
                       losses.WassersteinGradientPenalty()],
                      device=torch.device(device()), ncritic=critic_steps, sample_size=BATCH, epochs=1)
    trainer.batch_size = BATCH
    assert isinstance(trainer.generator, nn.Module)

    def step() -> None:
        for _ in range(critic_steps):
            trainer.real_inputs = draw()
            _, _, generator_iters, critic_iters = trainer.train_iter()
            trainer.loss_information["generator_iters"] += generator_iters
            # It counts both of its critic losses as critic iterations; count real ones, so that k means k.
            trainer.loss_information["discriminator_iters"] += bool(critic_iters)

    return step


def _stand_in_for_torchvision() -> None:
    try:
        import torchvision  # noqa: F401
    except Exception:
        stand_in = types.ModuleType("torchvision")
        stand_in.utils = types.ModuleType("torchvision.utils")  # type: ignore[attr-defined]
        sys.modules["torchvision"] = stand_in
        sys.modules["torchvision.utils"] = stand_in.utils  # type: ignore[attr-defined]


CONTENDERS = {
    "ganworks": ganworks_step, "minimal": minimal_step, "textbook": textbook_step, "torchgan": torchgan_step}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--bursts", type=int, default=25, help="turns that count (default: %(default)s)")
    args = parser.parse_args()
    print(f"{machine()}; batch {BATCH} where not said, median of {args.bursts} turns\n")
    print("| case | contender | real images/s | ganworks / it, median (min to max) |\n|---|---|---|---|")
    for case in args.cases or [case for case in CASES if device() == "cuda" or case not in LARGE]:
        names = [name for name in CONTENDERS if name != "torchgan" or "critic_steps" in CASES[case]]
        facts = CASES[case]
        rates = race({name: partial(CONTENDERS[name], case) for name in names}, facts["steps"], args.bursts)
        images_a_step = batch_of(case) * facts.get("critic_steps", 1)
        for name, mine in rates.items():
            print(f"| {facts['title']} | {name} | {statistics.median(mine) * images_a_step:,.0f} | "
                  f"{ratio(rates['ganworks'], mine)} |", flush=True)


if __name__ == "__main__":
    main()
