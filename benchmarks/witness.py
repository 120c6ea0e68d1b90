"""A classifier that no training and no measure of ganworks has seen: who is it that the samples show?"""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file, save
from torch import Tensor

from ganworks.data import Finite
from ganworks.evaluate.classifier import Network, fit
from ganworks.files import write_bytes

ROUNDS = 3


def fitted(source: Finite, folder: Path) -> tuple[Network, Tensor, Tensor]:
    """Return a classifier of labelled images, from ``folder`` or fitted now, and how it does on held-out ones.

    It is the network of ``--features classifier``, fitted three times as long: six epochs of large data. A tenth (at
    most 5,000 images) is held out.

    Returns:
        The network; of each class, how many held-out images it names, and how many there are, int64 (classes,).
    """
    path = folder / "classifier.safetensors"
    network = Network((source.shape[0], source.shape[1], source.shape[2]), len(source.classes or ()))
    if not path.exists():
        batch = source.head(len(source))
        for _ in range(ROUNDS):  # each goes on with the weights of the one before, and holds out the same images
            right, held_out = fit(network, batch["sample"], batch["label"])
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
        write_bytes(path, save(tensors | {"right": right, "held_out": held_out}))
    tensors = load_file(path)
    right, held_out = tensors.pop("right"), tensors.pop("held_out")
    network.load_state_dict(tensors)
    return network.eval(), right, held_out
