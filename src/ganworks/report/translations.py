"""A trained translator: its networks by direction, and the judgement of what they make."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from ganworks.console import track
from ganworks.data.conditions import evenly
from ganworks.data.pairs import Crops, Pairs, Unpaired
from ganworks.data.pictures import beside, save
from ganworks.data.source import Source, as_floats
from ganworks.errors import UserError
from ganworks.evaluate.features import Extractor
from ganworks.evaluate.figures import Report
from ganworks.evaluate.judge import LEAST, evaluate
from ganworks.evaluate.translation import Translations, l1, mean_figure, median_image, paired_figures
from ganworks.files import write_text
from ganworks.game import Cycle, Duel
from ganworks.game.cycle import BACK, THERE
from ganworks.report.draws import sampler
from ganworks.train.sampling import plain
from ganworks.train.trainer import Trainer

AT_ONCE = 16
WORST = 8
MOST = 2000
SAME_SCENES = ("the distances are to real images of the very scenes that were translated: these can be nearer than "
               "other real images are, so reaching the floor says little; look at L1 and SSIM")
TYPICAL = 1000
"""Images of the training of which the median is taken."""


def networks_of(trainer: Trainer, direction: str, averaged: bool = True) -> dict[str, nn.Module]:
    """Return the translators of a run, ready, by direction ("AtoB", "BtoA").

    Args:
        direction: that of the data, in games that translate one way only.
    """
    game = trainer.game
    if not game.needs:
        raise UserError(f"the run translates nothing: it is a {type(game).__name__} that makes samples from noise",
                        "a run of pix2pix or cyclegan", "see: ganworks sample")
    made = trainer.players(averaged)["generator"]
    if isinstance(game, Cycle):
        assert isinstance(made, nn.ModuleDict)
        return {name: made[name] for name in (THERE, BACK)}
    assert isinstance(game, Duel)
    return {direction: made}


@torch.inference_mode()
def through(network: nn.Module, images: Tensor, what: str = "translating") -> Tensor:
    """Return what ``network`` makes of uint8 images (N, C, H, W) of the training's size, on the CPU."""
    device = next(network.parameters()).device

    def parts() -> Iterator[Tensor]:
        for part in images.split(AT_ONCE):
            yield plain(network(as_floats(part.to(device))))

    return torch.cat(list(track(parts(), -(-len(images) // AT_ONCE), what, f"x {AT_ONCE} images")))


@dataclass(frozen=True)
class Worst:
    """The translations that are worst: their values, names where they are known, and rows to look at."""

    figure: str
    values: list[float]
    names: list[str]
    rows: dict[str, Tensor]

    def write(self, folder: Path) -> None:
        """Write worst.png and worst.json into ``folder``."""
        save(beside(self.rows), folder / "worst.png")
        listed = [{"name": name, self.figure: round(value, 5)}
                  for name, value in zip(self.names, self.values, strict=True)]
        write_text(folder / "worst.json", json.dumps(listed, indent=1) + "\n")


def judged(trainer: Trainer, source: Source, features: str | Extractor = "auto", n: int | None = None, seed: int = 0,
           averaged: bool = True, perceptual: bool = False, foreign: bool = False) -> tuple[Report, Worst | None]:
    """Return the report of a run, and its worst translations where it translates.

    A translator is judged on the images that were kept out of its training, anything else on samples.

    Args:
        perceptual: of pairs, LPIPS too.
        foreign: the data is not the training's, so all of it may judge.
    """
    if not trainer.game.needs:
        return evaluate(sampler(trainer, averaged), source, features, n, seed), None
    if n is not None and n < 2:
        raise UserError(f"n = {n} images to judge translations on", "at least 2")
    n = min(n or MOST, MOST)
    if isinstance(source, Pairs):
        report, worst = _pairs(trainer, source, n, features, seed, averaged, perceptual)
        known = source.kept is not None
    elif isinstance(source, Unpaired):
        if perceptual:
            raise UserError("--lpips of images without pairs", "pairs", "leave it out")
        report, worst = _unpaired(trainer, source, n, features, seed, averaged)
        known = source.inputs.kept is not None
    else:
        raise UserError(f"{source.name}: no images to translate", "pairs of images, or images of two kinds")
    if not known and not foreign:
        told = "judged on images that it was trained on: none were kept out (--held-out 0)"
        report = replace(report, warnings=(*report.warnings, told))
    return report, worst


def _pairs(trainer: Trainer, source: Pairs, n: int, features: str | Extractor, seed: int, averaged: bool,
           perceptual: bool) -> tuple[Report, Worst]:
    kept = source.kept or source
    batch = kept.head(n)
    inputs, targets = batch["input"], batch["sample"]
    (network,) = networks_of(trainer, "AtoB", averaged).values()
    made = through(network, inputs)
    trained = source.trained(TYPICAL)["sample"]  # of a foreign set, its own: it has no other
    names = ("L1", "PSNR, dB", "SSIM", *(("LPIPS",) if perceptual else ()))
    figures = paired_figures(Translations(inputs, made, targets, median_image(trained)), names)
    report = _distances(kept, made, features, seed, "")
    if report.figures:
        report = replace(report, warnings=(*report.warnings, SAME_SCENES))
    far = l1(made, targets)
    order = far.argsort(descending=True)[:WORST]
    worst = Worst("L1", far[order].tolist(), _names(kept, order, len(far)),
                  {"input": inputs[order], "translated": made[order], "real": targets[order]})
    return replace(report, figures=(*figures, *report.figures), n=report.n or len(made)), worst


def _unpaired(trainer: Trainer, source: Unpaired, n: int, features: str | Extractor, seed: int,
              averaged: bool) -> tuple[Report, Worst]:
    a_kept, b_kept = source.inputs.kept or source.inputs, source.samples.kept or source.samples
    a, b = a_kept.head(n)["sample"], b_kept.head(n)["sample"]
    networks = networks_of(trainer, THERE, averaged)
    there, back = networks[THERE], networks[BACK]
    made_b, made_a = through(there, a, "A to B"), through(back, b, "B to A")
    again_a, again_b = through(back, made_b, "and back"), through(there, made_a, "and back")
    wandered = l1(again_a, a)
    figures = [mean_figure("cycle error A to B to A", wandered, "lower", 0.0),
               mean_figure("cycle error B to A to B", l1(again_b, b), "lower", 0.0),
               mean_figure("identity error in B", l1(through(there, b, "identity"), b), "lower", 0.0),
               mean_figure("identity error in A", l1(through(back, a, "identity"), a), "lower", 0.0)]
    report = _distances(b_kept, made_b, features, seed, f" {THERE}")
    other = _distances(a_kept, made_a, features, seed, f" {BACK}")
    report = replace(report, figures=(*report.figures, *other.figures),
                     warnings=tuple(dict.fromkeys((*report.warnings, *other.warnings))))
    order = wandered.argsort(descending=True)[:WORST]
    worst = Worst("cycle error A to B to A", wandered[order].tolist(), _names(a_kept, order, len(wandered)),
                  {"A": a[order], "A to B": made_b[order], "A to B to A": again_a[order]})
    # The distances come first: a translator that changes nothing has no cycle error at all.
    return replace(report, figures=(*report.figures, *figures), n=report.n or len(a)), worst


def _distances(real: Crops, made: Tensor, features: str | Extractor, seed: int, suffix: str) -> Report:
    """Return distances of translations to real images of the target's kind; an empty report where there are too few."""
    n = min(len(real) // 2, len(made))
    if n < LEAST:
        return Report(real.name, features if isinstance(features, str) else features.name, {}, n, seed, 0.95, (), (
            f"{n} images are too few for a Frechet distance: it takes {LEAST}, and twice as many real ones",), 0.0)
    rows = torch.randperm(len(made), generator=torch.Generator().manual_seed(seed))
    report = evaluate(lambda count, _: made[rows[:count]], real, features, n, seed)
    return replace(report, figures=tuple(replace(figure, name=figure.name + suffix) for figure in report.figures))


def _names(source: Crops, order: Tensor, count: int) -> list[str]:
    places = evenly(len(source), count)[order.numpy()]
    return [source.names[place] if source.names else f"number {place + 1}" for place in places]
