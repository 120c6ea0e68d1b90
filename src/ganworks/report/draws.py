"""Samples of a trained game: many of them behind a progress bar, and walks from latent to latent."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ganworks.console import track
from ganworks.errors import UserError
from ganworks.evaluate import Drawn
from ganworks.evaluate.judge import Sampler
from ganworks.game import Duel, Latent, Noise
from ganworks.nets.contract import call
from ganworks.seeds import mix
from ganworks.train.portrait import classes_of
from ganworks.train.sampling import CHUNK, plain
from ganworks.train.trainer import Trainer


def drawn(trainer: Trainer, count: int, seed: int = 0, averaged: bool = True,
          condition: Tensor | None = None) -> Iterator[Tensor]:
    """Yield ``count`` samples, some at a time, on the CPU: the same ones that ``trainer.samples`` returns.

    uint8 images (n, C, H, W) or float32 points (n, D); behind a progress bar where it takes more than a moment.
    """
    chunks = -(-count // CHUNK)
    yield from track(trainer.chunks(count, seed, averaged, condition), chunks, "sampling", f"x {CHUNK} samples")


def sampler(trainer: Trainer, averaged: bool = True) -> Sampler:
    """Return what ``evaluate`` draws samples by: with their labels where the game is told classes."""
    def draw(n: int, seed: int) -> Tensor | Drawn:
        condition = trainer.conditions(n, seed)
        samples = trainer.samples(n, seed, averaged, condition)
        if condition is None or trainer.game.condition != "label":
            return samples
        return Drawn(samples, condition)

    return draw


def walk(trainer: Trainer, stops: int, frames: int, seed: int = 0, averaged: bool = True,
         conditions: Tensor | None = None) -> Tensor:
    """Return images along a round trip through ``stops`` random latents and back to the first.

    In a game with a condition, each leg keeps one: by default the classes in turn, or a vector of the data.

    Args:
        stops: latents, at least 2.
        frames: images of each leg from one latent to the next, both ends included, at least 2.
        conditions: those of the legs, in turn.

    Returns:
        uint8 (stops, frames, C, H, W); leg i goes from latent i to latent i + 1, the last one back to latent 0.

    Raises:
        UserError: the game has no latents, its samples are no images, or there is nowhere to walk.
    """
    game = trainer.game
    if not isinstance(game, Duel) or not isinstance(game.latent, Latent):
        raise UserError(f"a walk between latents of a {type(game).__name__} that draws none", "a game whose generator "
                        "draws latents", "leave out --interpolate and --gif")
    if len(trainer.source.shape) != 3:
        raise UserError(f"a walk between latents of {trainer.source.name}, samples of shape {trainer.source.shape}",
                        "images", "leave out --interpolate and --gif")
    if stops < 2 or frames < 2:
        raise UserError(f"a walk through {stops} latents with {frames} images between two of them",
                        "at least 2 of each", "change --count or --interpolate")
    ready, machine = trainer.players(averaged), trainer.machine
    latents = game.latent.draw(Noise(mix(seed, "walk"), stops, device=machine.device)).cpu()
    legs = [game.latent.walk(latents[i], latents[(i + 1) % stops], frames) for i in range(stops)]
    classes = classes_of(trainer)
    if conditions is None:
        conditions = trainer.conditions(stops, seed) if classes is None else classes.values
    given, images = trainer.given(), []
    for i, leg in enumerate(track(legs, stops, "walking", "legs")):
        own = None if conditions is None else conditions[i % len(conditions)][None]
        batch = given.batch(frames, own, machine.device)
        condition = None if game.condition is None else batch[game.condition]
        with torch.no_grad():
            images.append(plain(call(ready["generator"], leg.to(machine.device), condition)))
    return torch.stack(images)

