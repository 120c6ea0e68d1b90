"""What each term and each technique costs: a training step with it over one without, beside what it must do.

    python benchmarks/penalties.py                       # both cases; minutes a row for the convolutions
    python benchmarks/penalties.py mlp --bursts 5        # one case, fewer turns
    python benchmarks/penalties.py --terms r1 r1/16      # some rows
    python benchmarks/penalties.py --terms techniques    # all that are no terms

Both steps are the trainer's, in processes of their own that take turns; a ratio is formed pair by pair within a turn,
and the table shows the median. A step is one move of each player.

"Products" are counted as the steps run (matrix products and convolutions, multiplications and additions alike), with
the term over without. "Least" is what the leanest form of the term would make of that ratio, in passes of the critic
over one batch: a gradient penalty needs the pass, the gradient of the samples, and two products for each layer in the
second backward pass, so 4; LeCam and the balance look at outputs that are there already. What has no products to
speak of, but moves weights, must move them: its least is one step and the time in which this machine copies as many
bytes (historical averages, 7 arrays of the critic's size: weights, mean and gradient read and the gradient written,
then weights and mean read and the mean written; clipping, 2: the weights read and written; spectral normalisation, 12:
in each of two turns two products with a vector, and a quotient read and written, and on the way back of one of them
slopes and weights read for their product, then slopes read and written; the average of weights, 3: two read, one
written; optimistic Adam, 2 of both players' more than Adam: the last direction read and written). Packs and minibatch
discrimination have more weights than a critic without, and Adam moves them at every step: 8 arrays, the gradient
written and read, weights and two moments read and written. Minibatch discrimination compares each pair of samples of a
kind: C differences for each of B kernels, which are subtracted, turned positive and added up on the way there, and on
the way back given their sign and added up for each of the two samples, six operations; for each pair and kernel its
two sums, the sum of two slopes and a product, four more. These count like the multiplications and additions of
products; and an exponential for each pair and kernel takes as long as torch's takes. What has fewer products than a
step without (packs) saves these alone: its least is one less what it saves of the time that the step spends in
products. The others have no such figure: what is counted is what they are. "Over it" is the ratio of times over the
ratio of least (or counted) products: 1 is a term whose every product takes as long as the rest of the step's, and
nothing else.
"""

from __future__ import annotations

import argparse
import statistics
import time
from functools import partial
from typing import Any

from racing import Step, device, machine, race, ratio, wait
from trainer import batch_of, images, networks

# name: the case in trainer.py that has its networks, channels, side, width
CASES = {"mlp": ("mlp", 1, 28, 256), "dcgan": ("dcgan-gp", 3, 32, 32), "large": ("dcgan-64-gp", 3, 64, 128)}
TITLES = {"mlp": "MLP 3x256, 28x28, no normalisation", "dcgan": "DCGAN-32, width 32, critic without normalisation",
          "large": "DCGAN-64, width 128, batch 256, critic without normalisation (for a GPU)"}
TERMS = {
    # name: player, passes of the critic that it needs at least (none: as counted), steps between
    "wgan-gp": ("critic", 4, 1), "wgan-lp": ("critic", 4, 1), "linear": ("critic", 4, 1), "dragan": ("critic", 4, 1),
    "max-gp": ("critic", 4, 1), "wgan-div": ("critic", 4, 1), "r1": ("critic", 4, 1), "r2": ("critic", 4, 1),
    "r1/16": ("critic", 4, 16), "lecam": ("critic", 0, 1), "cr": ("critic", None, 1), "cr-fake": ("critic", None, 1),
    "balance": ("critic", 0, 1),
    "orthogonal": ("critic", None, 1), "history": ("critic", None, 1), "matching": ("generator", None, 1),
    "pull-away": ("generator", None, 1)}
TECHNIQUES = ("pack", "discrimination", "stddev", "spectral", "clip", "top-k", "ema", "extragradient", "optimistic",
              "consensus")
# Arrays of a player's weights that are read or written more than in a plain step, and whose weights.
MOVED = {"history": (7, ("critic",)), "clip": (2, ("critic",)), "spectral": (12, ("critic",)),
         "ema": (3, ("generator",)), "optimistic": (2, ("generator", "critic"))}
LEARNT = 8
"""Arrays of the size of a weight that is learnt with Adam which a step reads or writes for it."""
PACK = 2


def term(name: str, critic: Any) -> Any:
    """Return the term by its name in the table."""
    from ganworks.game import (
        R1,
        R2,
        Balance,
        Consistency,
        FeatureMatching,
        GradientPenalty,
        GradientPower,
        HistoricalAverage,
        LeCam,
        Lens,
        Noise,
        Orthogonal,
        PullAway,
    )

    class Mirror(Lens):
        """Half of the images from left to right: the cheapest augmentation."""

        def forward(self, x: Any, noise: Noise, step: int) -> Any:
            import torch

            return torch.where(noise.uniform(1, 1, 1) < 0.5, x, x.flip(-1))

    made = {
        "wgan-gp": GradientPenalty, "wgan-lp": lambda: GradientPenalty(side="one"),
        "linear": lambda: GradientPenalty(side="linear"), "dragan": lambda: GradientPenalty(at="around"),
        "max-gp": lambda: GradientPenalty(0.0, over="most"), "wgan-div": GradientPower, "r1": R1, "r2": R2, "r1/16": R1,
        "lecam": LeCam, "cr": lambda: Consistency(Mirror()), "cr-fake": lambda: Consistency(Mirror(), "fake"),
        "balance": Balance,
        "orthogonal": lambda: Orthogonal("critic"), "history": lambda: HistoricalAverage("critic", critic),
        "matching": FeatureMatching, "pull-away": PullAway}
    return made[name]()


def critic_of(case: str, name: str | None) -> Any:
    """Return the critic: the one without, unless the technique is a part of it."""
    from ganworks.nets import DCGANCritic, MLPCritic

    alike, channels, side, width = CASES[case]
    shape = (channels * (PACK if name == "pack" else 1), side, side)
    layer: Any = name if name in ("discrimination", "stddev") else "none"
    norm: Any = "spectral" if name == "spectral" else "none"
    if alike == "mlp":
        return MLPCritic(shape, [width] * 3, norm, layer)
    return DCGANCritic(shape, width, norm, layer)


def trainer(case: str, name: str | None) -> Any:
    """Return a trainer of a case, with the term or technique of that name or with none."""
    from ganworks.data import from_torch
    from ganworks.design import objective_named
    from ganworks.game import Duel, Latent, Top, Weighted
    from ganworks.train import (
        EMA,
        Adam,
        Alternating,
        ClipWeights,
        Consensus,
        Extragradient,
        OptimisticAdam,
        Recipe,
        Trainer,
    )
    from ganworks.train.watch import Guard, Log

    alike, channels, side, _ = CASES[case]
    generator, critic = networks(alike)[0], critic_of(case, name)
    player, _, every = TERMS.get(name or "", ("", 0, 1))
    terms = [Weighted("term", term(name, critic), 0.1, every)] if name in TERMS else []
    latent = Latent(64 if case == "mlp" else 100)
    game = Duel(generator, critic, objective_named("nonsaturating"), latent,
                critic_terms=terms if player == "critic" else [],
                generator_terms=terms if player == "generator" else [],
                pack=PACK if name == "pack" else 1, top=Top(0.5) if name == "top-k" else None)
    adam = (OptimisticAdam if name == "optimistic" else Adam)(1e-4, (0.5, 0.9))
    dynamics = {"extragradient": Extragradient, "consensus": Consensus}.get(name or "", Alternating)()
    recipe = Recipe(game, from_torch(images(side, channels)), {"generator": adam, "critic": adam}, steps=10**9,
                    batch=batch_of(alike), dynamics=dynamics)
    more = [EMA()] if name == "ema" else [ClipWeights(0.01)] if name == "clip" else []
    ready = Trainer(recipe, hooks=[Guard(), Log(None), *more])
    for hook in ready.hooks:
        hook.start(ready)  # the average begins as a copy
    return ready


def step_of(case: str, name: str | None) -> Step:
    return trainer(case, name).advance


def products(do: Any) -> int:
    """Return how many multiplications and additions the products inside ``do`` make."""
    return products_and_seconds(do)[0]


def products_and_seconds(do: Any) -> tuple[int, float]:
    """Return how many multiplications and additions the products inside ``do`` make, and how long these take."""
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    total, seconds = 0, 0.0

    class Counting(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal total, seconds
            count = flop_registry.get(func._overloadpacket)
            began = time.perf_counter()
            out = func(*args, **(kwargs or {}))
            if count is not None:
                wait()
                seconds += time.perf_counter() - began
                total += count(*args, **(kwargs or {}), out_val=out)
            return out

    with Counting():
        do()
    return total, seconds


def counted(case: str, name: str) -> tuple[float, float | None]:
    """Return the products of a step with the term over one without: as it runs, and at the least, in passes."""
    import torch

    _, passes, every = TERMS.get(name, ("", None, 1))
    plain, more = trainer(case, None), trainer(case, name)
    alone, together = (sum(products(who.advance) for _ in range(every)) for who in (plain, more))
    alike, channels, side, _ = CASES[case]
    x = torch.randn(batch_of(alike), channels, side, side, device=device())
    one_pass = products(lambda: plain.game.critic(x))
    return together / alone, None if passes is None else 1 + passes * one_pass / alone


def share_of_products(case: str) -> float:
    """Return the share of a plain step's time that its products take."""
    step, shares = step_of(case, None), []
    for _ in range(20):
        began = time.perf_counter()
        step()
        wait()
        whole = time.perf_counter() - began
        shares.append(products_and_seconds(step)[1] / whole)
    return statistics.median(shares)


def moving(case: str, name: str) -> float:
    """Return the seconds in which this machine copies as many weights as ``name`` must move."""
    arrays, players = MOVED.get(name, (LEARNT, ()))
    numbers = sum(weights(case, None, who) for who in players) or weights(case, name, "critic") - weights(
        case, None, "critic")
    return arrays * an_array(numbers) if numbers > 0 else 0.0


def comparing(case: str, name: str) -> tuple[int, float]:
    """Return the operations of minibatch discrimination that are no products, and the seconds of its exponentials."""
    import torch

    if name != "discrimination":
        return 0, 0.0
    layer = critic_of(case, name).minibatch
    rows = batch_of(CASES[case][0])
    kinds = 3  # real and generated samples in the critic's step, generated ones in the generator's
    pairs = torch.rand(kinds * rows * (rows - 1) // 2, layer.extra, device=device())
    out = torch.empty_like(pairs)
    return pairs.numel() * (6 * layer.dims + 4), quickest(lambda: torch.exp(pairs, out=out))


def quickest(do: Any) -> float:
    """Return the seconds of the quickest of many runs of ``do``."""
    best = float("inf")
    for _ in range(200):
        began = time.perf_counter()
        do()
        wait()
        best = min(best, time.perf_counter() - began)
    return best


def an_array(numbers: int) -> float:
    """Return the seconds in which this machine reads or writes an array of so many floats, the best of many."""
    import torch

    mine, theirs = torch.zeros(2, numbers, device=device())
    return quickest(lambda: mine.copy_(theirs)) / 2  # a copy reads one and writes one


def weights(case: str, name: str | None, player: str) -> int:
    """Return how many weights a player has."""
    return sum(p.numel() for p in trainer(case, name).game.players[player].parameters())


def row(case: str, name: str, bursts: int) -> str:
    every = TERMS[name][2] if name in TERMS else 1
    steps = 16 if every > 1 else 20 if case == "mlp" else 4  # whole rounds of a lazy term
    rates = race({"without": partial(step_of, case, None), "with": partial(step_of, case, name)}, steps, bursts)
    took = statistics.median(a / b for a, b in zip(rates["without"], rates["with"], strict=True))
    run, least = counted(case, name)
    if run < 1 and least is None:
        least = 1 - (1 - run) * share_of_products(case)
    compared, exponentials = comparing(case, name)
    if more := (moving(case, name) + exponentials) * statistics.median(rates["without"]):
        least = (least or (1 if name in MOVED else run)) + more + compared / products(trainer(case, None).advance)
    return (f"| {name} | {ratio(rates['without'], rates['with'])} | {run:.3f} | "
            f"{'' if least is None else f'{least:.3f}'} | {took / (least or run):.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--terms", nargs="*", metavar="TERM", choices=(*TERMS, *TECHNIQUES, "techniques"),
                        help=f"{', '.join((*TERMS, *TECHNIQUES))}, or techniques: the last {len(TECHNIQUES)}")
    parser.add_argument("--bursts", type=int, default=25, help="turns that count (default: %(default)s)")
    args = parser.parse_args()
    names = [name for asked in args.terms or (*TERMS, "techniques")
             for name in (TECHNIQUES if asked == "techniques" else [asked])]
    print(f"{machine()}; batch 64 where not said, median of {args.bursts} turns")
    for case in args.cases or [case for case in CASES if device() == "cuda" or case != "large"]:
        print(f"\n{TITLES[case]}\n\n| term | time with / without, median (min to max) | products | least | over it |\n"
              "|---|---|---|---|---|")
        for name in names:
            print(row(case, name, args.bursts), flush=True)


if __name__ == "__main__":
    main()
