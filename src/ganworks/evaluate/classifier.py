"""The ``classifier`` features: a small network fitted once to the labelled data and cached by the data's content."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganworks.console import note, track
from ganworks.data.cache import root
from ganworks.data.source import Finite, Source
from ganworks.errors import UserError
from ganworks.evaluate.features import Extractor, Samples, as_tensor
from ganworks.files import write_bytes
from ganworks.seeds import mix

VERSION = 2
"""Raise it when the same data would give another network, or its file has another form: old ones are left alone."""

WIDTH = 96
BATCH = 128
LEAST_STEPS = 300
MOST = 60_000
MOST_BYTES = 2**30


class Classifier(Extractor):
    """The 96 activations before the last layer of a small convolutional network.

    A tenth of the data (at most 5,000) is held out to tell its accuracy, which stands in ``facts``. The reals that a
    generator is measured against are among those that taught the network, so it separates them a little better than
    new data. The floor has the same fault, and is the figure to compare with.

    Use ``Classifier.of(source)``.

    Attributes:
        held_out: held-out images of each class, int64 (classes,).
        right: how many of these it names, int64 (classes,).
    """

    batch = 512

    def __init__(self, network: Network, right: Tensor, held_out: Tensor, name: str = "classifier") -> None:
        self.network, self.name, self.dim = network.eval(), name, WIDTH
        self.right, self.held_out = right, held_out
        self.facts = {"held-out accuracy": round(self.accuracy, 4), "held-out samples": int(held_out.sum())}

    @property
    def accuracy(self) -> float:
        """The share of held-out real images whose class it names."""
        return int(self.right.sum()) / int(self.held_out.sum())

    def named(self, samples: Samples) -> np.ndarray:
        """Return the class that it names for each of uint8 images (N, C, H, W): int64 (N,)."""
        rows = as_tensor(samples)
        with torch.inference_mode():
            parts = [self.network(part).argmax(dim=1) for part in rows.split(self.batch)]
        return torch.cat(parts).cpu().numpy()

    def features(self, samples: Tensor) -> Tensor:
        if tuple(samples.shape[1:]) != self.network.shape:
            raise UserError(f"images of shape {tuple(samples.shape[1:])}", f"shape {self.network.shape}")
        return self.network.embed(samples)

    @classmethod
    def of(cls, source: Source, seed: int = 0, folder: Path | None = None) -> Classifier:
        """Return the classifier of ``source``, from the cache or fitted now (under a minute for 60,000 small images).

        Args:
            source: images with labels, (C, H, W) with C in 1, 3, 4 and sides from 8.
            seed: decides the split, the initial weights and the order; equal seeds give equal networks.
            folder: where the networks are kept; $GANWORKS_CACHE/classifier, else ~/.cache/ganworks/classifier.
        """
        images, labels = _labelled(source)
        classes = len(source.classes or ())
        folder = folder or root().parent / "classifier"
        path = folder / f"{_digest(images, labels, seed)}.safetensors"
        network = Network((images.shape[1], images.shape[2], images.shape[3]), classes, seed)
        kept = _read(path, network)
        if kept is None:
            kept = fit(network, images, labels, seed)
            _write(path, network, *kept)
            right, held_out = (int(count.sum()) for count in kept)
            note(f"classifier for {source.name}: accuracy {right / held_out:.1%} on {held_out} held-out samples, in "
                 f"{path}")
        return cls(network, *kept)


class Network(nn.Module):
    """uint8 images (N, C, H, W) -> embedding (N, 96) -> logits (N, classes), by three convolutions.

    The first one's stride brings any size to at most 16 x 16, so the cost hardly depends on the size. The embedding is
    scaled by one number so that its variances are 1 on average: distances are then comparable between data sets.
    """

    mean: Tensor
    sd: Tensor
    scale: Tensor

    def __init__(self, shape: tuple[int, int, int], classes: int, seed: int = 0) -> None:
        super().__init__()
        self.shape = shape
        stride = math.ceil(max(shape[1:]) / 16)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(mix("classifier", seed))
            self.body = nn.Sequential(
                nn.Conv2d(shape[0], 32, 2 * stride + 1, stride, padding=stride, bias=False),
                nn.BatchNorm2d(32), nn.ReLU(),
                nn.Conv2d(32, 64, 3, 2, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
                nn.Conv2d(64, 96, 3, 1, padding=1, bias=False), nn.BatchNorm2d(96), nn.ReLU(),
                nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(96 * 16, WIDTH), nn.LeakyReLU(0.1))
            self.head = nn.Linear(WIDTH, classes)
        self.register_buffer("mean", torch.zeros(shape[0], 1, 1))
        self.register_buffer("sd", torch.ones(shape[0], 1, 1))
        self.register_buffer("scale", torch.ones(()))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def embed(self, images: Tensor) -> Tensor:
        return self._activations(images) * self.scale

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self._activations(images))

    def _activations(self, images: Tensor) -> Tensor:
        x = (images.float() - self.mean) / self.sd
        return self.body(x.contiguous(memory_format=torch.channels_last))


def fit(network: Network, images: Tensor, labels: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Fit ``network`` in place to uint8 ``images`` (N, C, H, W) and ``labels`` (N,).

    Returns how many held-out images of each class it names, and how many there are, both int64 (classes,).

    Adam with a learning rate that rises for a fifth of the steps and falls to zero (Smith 2018): two epochs of
    128, and for small sets as many as make 300 steps.
    """
    draw = torch.Generator().manual_seed(mix("classifier-order", seed))
    order = torch.randperm(len(images), generator=draw)
    held_out = min(5000, len(images) // 10)
    test, train = order[:held_out], order[held_out:]
    pixels = images[train[:5000]].float()
    network.mean.copy_(pixels.mean(dim=(0, 2, 3))[:, None, None])
    network.sd.copy_(pixels.std(dim=(0, 2, 3)).clamp(min=1.0)[:, None, None])
    size = min(BATCH, len(train))
    steps = max(LEAST_STEPS, 2 * len(train) // size)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps, pct_start=0.2)
    network.train()
    for rows in track(_batches(train, size, steps, draw), steps, "fitting the classifier", "step"):
        cost = cross_entropy(network(images[rows]), labels[rows])
        optimiser.zero_grad()
        cost.backward()
        optimiser.step()
        schedule.step()
    network.eval()
    with torch.inference_mode():
        spread = torch.cat([network.embed(images[rows]) for rows in train[:5000].split(512)]).var(dim=0).mean()
        network.scale.div_(spread.sqrt())
        named = torch.cat([network(images[rows]).argmax(dim=1) for rows in test.split(512)])
    truth, classes = labels[test], network.head.out_features
    return truth[named == truth].bincount(minlength=classes), truth.bincount(minlength=classes)


def _batches(rows: Tensor, size: int, steps: int, draw: torch.Generator) -> Iterator[Tensor]:
    done = 0
    while done < steps:
        shuffled = rows[torch.randperm(len(rows), generator=draw)]
        for start in range(0, len(rows) - size + 1, size):
            if done < steps:
                done += 1
                yield shuffled[start : start + size]


def _labelled(source: Source) -> tuple[Tensor, Tensor]:
    """Return images and labels of ``source``: all of them, or as many, evenly spread, as fit into a gibibyte."""
    if len(source.shape) != 3 or source.classes is None or len(source.classes) < 2 or not isinstance(source, Finite):
        raise UserError(f"classifier features for {source.name}", "images with labels of at least two classes",
                        "use --features pixels, or arrange the images in one folder a class")
    batch = source.head(min(MOST, MOST_BYTES // math.prod(source.shape)))
    if len(batch["sample"]) < 100:
        raise UserError(f"{len(batch['sample'])} labelled images in {source.name}", "at least 100 to fit a classifier",
                        "use --features pixels")
    return batch["sample"], batch["label"]


def _digest(images: Tensor, labels: Tensor, seed: int) -> str:
    digest = hashlib.blake2b(repr((VERSION, seed, tuple(images.shape))).encode(), digest_size=16)
    digest.update(images.contiguous().numpy().data)
    digest.update(labels.contiguous().numpy().data)
    return digest.hexdigest()


def _write(path: Path, network: Network, right: Tensor, held_out: Tensor) -> None:
    from safetensors.torch import save

    tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
    write_bytes(path, save(tensors | {"right": right, "held_out": held_out}))


def _read(path: Path, network: Network) -> tuple[Tensor, Tensor] | None:
    """Load the weights at ``path`` into ``network``; None where there are none or the file is damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        return None
    try:
        tensors = load_file(path)
        right, held_out = tensors.pop("right"), tensors.pop("held_out")
        network.load_state_dict(tensors)
    except (SafetensorError, KeyError, RuntimeError) as error:
        note(f"{path} cannot be used ({type(error).__name__}): fitting the classifier again")
        return None
    return right, held_out
