"""Own networks, own objective and own data, all of them plain PyTorch objects."""

import torch
from sklearn.datasets import load_digits
from torch import nn

from ganworks.game import Duel, Latent
from ganworks.objective import Objective
from ganworks.train import EMA, Adam, Recipe, fit

images = torch.tensor(load_digits().images[:, None] / 8 - 1).float()  # (1797, 1, 8, 8) in [-1, 1]
generator = nn.Sequential(nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))
critic = nn.Sequential(nn.Flatten(), nn.Linear(64, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1))
mine = Objective("mine", phi=lambda v: (v - 1) ** 2, psi=lambda v: v**2, beta=lambda v: (v - 1) ** 2)
game = Duel(generator, critic, mine, Latent(32))
adam = Adam(2e-4, betas=(0.5, 0.9))
trainer = fit(Recipe(game, images, {"generator": adam, "critic": adam}, steps=3000, hooks=[EMA()]))
samples = trainer.samples(64)  # uint8 (64, 1, 8, 8), from the averaged weights
