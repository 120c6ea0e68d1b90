"""Measure distances between distributions, and what a game does with them.

Distributions are known ones, or samples in files of your own (CSV, npy, npz).
"""

PARTS = {
    "divergence": "an f-divergence of two known distributions, exactly or with an error bound",
    "transport": "the cheapest way to move one cloud of points onto another: cost, plan, potentials",
    "estimate": "a divergence or Wasserstein distance of two samples, by critics trained for it",
    "discriminator": "the best discriminator of two known distributions, beside a trained one",
    "blindness": "what divergences and W1 say when supports come apart, and what the generator feels",
    "dynamics": "which games converge under which steps: eigenvalues, trajectories, vector fields",
    "force": "the gradient a generator follows against the gradient of the divergence it claims",
}
