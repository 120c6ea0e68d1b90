"""The trainer's price in translation: a step of pix2pix and of CycleGAN beside the same step written out by hand.

    python benchmarks/translation.py                    # both steps and translating, about 6 minutes on 2 cores
    python benchmarks/translation.py cyclegan --bursts 5
    python benchmarks/translation.py translate

Networks, batch, data and optimiser settings are the same, each contender is in a process of its own, and they run in
bursts by turns; a ratio is formed pair by pair within a turn. The hand-written steps do what the authors' programs do,
with fused Adam and maps that lie channels last: the generators' step first, then the critics' on the same translations,
through a pool of 50.

Translating: images a second of `ganworks translate`'s inner function beside the bare network on the same image whole.
"""

from __future__ import annotations

import argparse
import statistics
import time
from functools import partial
from typing import Any

from racing import Step, machine, race, ratio

SIDE, WIDTH, BLOCKS = 64, 12, 4
STEPS = {"pix2pix": 6, "cyclegan": 4}
BATCH = {"pix2pix": 4, "cyclegan": 1}
TITLES = {"pix2pix": "pix2pix, U-Net of width 16, 64 pixels, batch 4",
          "cyclegan": "CycleGAN, 4 residual blocks of width 12, 64 pixels, batch 1"}


def images(seed: int) -> Any:
    import numpy as np

    return np.random.default_rng(seed).integers(0, 256, (256, 3, SIDE, SIDE), dtype=np.uint8)


def ganworks_step(case: str) -> Step:
    """The product: the recipe's game on the trainer, with guard and log as in a run."""
    import numpy as np

    from ganworks.data.pairs import Crops, Pairs, Unpaired
    from ganworks.recipes import translation
    from ganworks.train import Trainer
    from ganworks.train.watch import Guard, Log

    training = translation.SMALL.model_copy(update={"batch": BATCH[case], "steps": 10**9, "measure": None})
    if case == "pix2pix":
        pairs = Pairs(np.concatenate([images(0), images(1)], axis=1), 3, SIDE)
        unet = translation.UNET.model_copy(update={"width": 16, "width_critic": 16, "patch_layers": 2})
        recipe = translation.pix2pix(pairs, training, unet)
    else:
        narrow = translation.Translators(width=WIDTH, blocks=BLOCKS, patch_layers=2, width_critic=16)
        recipe = translation.cyclegan(Unpaired(Crops(images(0), SIDE), Crops(images(1), SIDE)), training, narrow)
    return Trainer(recipe, hooks=[Guard(), Log(None)]).advance


def _drawn(case: str) -> Any:
    import torch

    both = [torch.from_numpy(images(seed)) for seed in (0, 1)]

    def draw() -> list[Any]:
        rows = [torch.randint(0, 256, (BATCH[case],)) for _ in both]
        if case == "pix2pix":
            rows[1] = rows[0]
        return [data[row].float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)
                for data, row in zip(both, rows, strict=True)]

    return draw


def _adam(*modules: Any) -> Any:
    import torch

    for module in modules:
        module.to(memory_format=torch.channels_last)
    return torch.optim.Adam([p for module in modules for p in module.parameters()], 4e-4, (0.5, 0.999), fused=True)


def by_hand_pix2pix() -> Step:
    """Critic first, then the generator on the same translation, as the paper's program does."""
    import torch
    import torch.nn.functional as F

    from ganworks.nets.patchgan import PatchCritic
    from ganworks.nets.unet import UNetTranslator
    from ganworks.train.machine import _keep_large_blocks

    _keep_large_blocks()
    torch.manual_seed(0)
    g, d = UNetTranslator(3, 3, 6, 16, "instance"), PatchCritic(6, 2, 16)
    g_adam, d_adam, draw = _adam(g), _adam(d), _drawn("pix2pix")

    def step() -> None:
        x, y = draw()
        fake = g(x)
        on_real, on_fake = (d(torch.cat([x, image], 1)).scores[0] for image in (y, fake.detach()))
        cost = 0.5 * (F.softplus(-on_real).mean() + F.softplus(on_fake).mean())
        cost.backward()
        d_adam.step()
        d_adam.zero_grad()
        d.requires_grad_(False)
        felt = d(torch.cat([x, fake], 1)).scores[0]
        (F.softplus(-felt).mean() + 100 * F.l1_loss(fake, y)).backward()
        d.requires_grad_(True)
        g_adam.step()
        g_adam.zero_grad()

    return step


def by_hand_cyclegan() -> Step:
    """Both generators, then both critics through pools of 50, as the paper's program does."""
    import random

    import torch
    import torch.nn.functional as F

    from ganworks.nets.patchgan import PatchCritic
    from ganworks.nets.translator import ResNetTranslator
    from ganworks.train.machine import _keep_large_blocks

    _keep_large_blocks()
    torch.manual_seed(0)
    there, back = (ResNetTranslator(3, 3, WIDTH, BLOCKS) for _ in range(2))
    judge_b, judge_a = (PatchCritic(3, 2, 16) for _ in range(2))
    g_adam, d_adam, draw = _adam(there, back), _adam(judge_b, judge_a), _drawn("cyclegan")
    pools: dict[str, list[Any]] = {"a": [], "b": []}

    def shown(made: Any, pool: list[Any]) -> Any:
        if len(pool) < 50:
            pool.append(made.clone())
            return made
        if random.random() < 0.5:
            place = random.randrange(50)
            old, pool[place] = pool[place], made.clone()
            return old
        return made

    def step() -> None:
        a, b = draw()
        judge_a.requires_grad_(False)
        judge_b.requires_grad_(False)
        fake_b, fake_a = there(a), back(b)
        cost = (judge_b(fake_b).scores[0] - 1).square().mean() + (judge_a(fake_a).scores[0] - 1).square().mean()
        cost = cost + 10 * (F.l1_loss(back(fake_b), a) + F.l1_loss(there(fake_a), b))
        cost = cost + 5 * (F.l1_loss(there(b), b) + F.l1_loss(back(a), a))
        cost.backward()
        g_adam.step()
        g_adam.zero_grad()
        judge_a.requires_grad_(True)
        judge_b.requires_grad_(True)
        for judge, real, made, pool in ((judge_b, b, fake_b, pools["b"]), (judge_a, a, fake_a, pools["a"])):
            old = shown(made.detach(), pool)
            on_real, on_fake = judge(real).scores[0], judge(old).scores[0]
            (0.5 * ((on_real - 1).square().mean() + on_fake.square().mean())).backward()
        d_adam.step()
        d_adam.zero_grad()

    return step


def steps(case: str, bursts: int) -> None:
    hand = by_hand_pix2pix if case == "pix2pix" else by_hand_cyclegan
    rates = race({"ganworks": partial(ganworks_step, case), "by hand": hand}, STEPS[case], bursts)
    for name, mine in rates.items():
        print(f"| {TITLES[case]} | {name} | {statistics.median(mine) * BATCH[case]:.1f} | "
              f"{ratio(rates['ganworks'], mine)} |", flush=True)


def translating(bursts: int) -> None:
    import torch

    from ganworks.data.source import as_bytes, as_floats
    from ganworks.nets.translator import ResNetTranslator
    from ganworks.train.tiles import translated

    torch.manual_seed(0)
    net, sizes = ResNetTranslator(3, 3, WIDTH, BLOCKS).eval(), []
    net.register_forward_pre_hook(lambda _, given: sizes.append(given[0].shape))
    print("\n| image | tiles | images/s | bare network on the whole image, images/s | tiles' pixels / image's |\n"
          "|---|---|---|---|---|")
    for side, tile in ((256, 1024), (600, 1024), (600, 256), (1200, 1024)):
        image = torch.randint(0, 256, (3, side, side), dtype=torch.uint8)
        mine, bare = [], []
        for turn in range(bursts + 1):
            sizes.clear()
            began = time.perf_counter()
            translated(net, image, tile, tile // 4, net.multiple)
            middle = time.perf_counter()
            with torch.inference_mode():
                as_bytes(net(as_floats(image[None])))
            if turn:
                mine.append(1 / (middle - began))
                bare.append(1 / (time.perf_counter() - middle))
        tiles = sizes[:-1]
        count, more = sum(shape[0] for shape in tiles), sum(shape[0] * shape[2] * shape[3] for shape in tiles) / side**2
        print(f"| {side} x {side} | {'whole' if count == 1 else f'{count} of {tiles[0][-1]}'} | "
              f"{statistics.median(mine):.2f} | {statistics.median(bare):.2f} | {more:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", default=["pix2pix", "cyclegan", "translate"],
                        help="pix2pix, cyclegan, translate")
    parser.add_argument("--bursts", type=int, default=15, help="turns that count (default: %(default)s)")
    args = parser.parse_args()
    print(f"{machine()}; median of {args.bursts} turns\n")
    if set(args.cases) & set(STEPS):
        print("| case | contender | images/s | ganworks / it, median (min to max) |\n|---|---|---|---|")
    for case in args.cases:
        if case in STEPS:
            steps(case, args.bursts)
    if "translate" in args.cases:
        translating(max(args.bursts // 5, 1))


if __name__ == "__main__":
    main()
