"""Does a critic trained with a compiled design say log p/q? Two known normal laws, p = N(0, 1), q = N(1, 1).

    python benchmarks/log_ratio.py              # twelve objectives, about five minutes on 2 cores
    python benchmarks/log_ratio.py kl circle    # some

The exact answer is v*(x) = 1/2 - x for every design with a logit output. A small MLP is trained on fresh samples; what
is printed is its largest and its root-mean-square error over the points where both laws have mass, from the 2.5 %
quantile of p to the 97.5 % quantile of q.
"""

from __future__ import annotations

import argparse
import time

from racing import machine

OBJECTIVES = ("nonsaturating", "js", "squared_hellinger", "vincze_le_cam", "perimeter", "jeffrey", "kl", "reverse_kl",
              "k_divergence", "arctan", "skew_js", "exponential", "lambertw", "softened_reverse_kl")


def trained(name: str, steps: int, batch: int, seed: int) -> tuple[float, float, float]:
    """Return the largest and the root-mean-square error of the trained critic, and the seconds it took."""
    import torch
    from torch import nn

    from ganworks.design import objective_named

    objective = objective_named(name)
    torch.manual_seed(seed)
    critic = nn.Sequential(nn.Linear(1, 64), nn.Softplus(), nn.Linear(64, 64), nn.Softplus(), nn.Linear(64, 1))
    adam = torch.optim.Adam(critic.parameters(), 3e-3, (0.9, 0.999))
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    began = time.perf_counter()
    for _ in range(steps):
        real, fake = torch.randn(batch, 1), 1 + torch.randn(batch, 1)
        cost = objective.critic_cost(critic(real), critic(fake))
        adam.zero_grad()
        cost.backward()
        nn.utils.clip_grad_norm_(critic.parameters(), 1.0)  # chi-square-like costs have rare and huge gradients
        adam.step()
        falling.step()
    x = torch.linspace(-1.96, 2.96, 400)[:, None]
    with torch.no_grad():
        error = critic(x) - (0.5 - x)
    return error.abs().max().item(), error.square().mean().sqrt().item(), time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(f"{machine()}; {args.steps} steps, {args.batch} samples of each law a step, seed {args.seed}\n")
    print("| objective | largest error of v | root mean square | s |\n|---|---|---|---|")
    for name in args.names or OBJECTIVES:
        largest, mean, seconds = trained(name, args.steps, args.batch, args.seed)
        print(f"| {name} | {largest:.3f} | {mean:.3f} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
