"""The ``inception`` features: the InceptionV3 of the published FID, through torch-fidelity (extra ``inception``)."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from urllib.parse import urlsplit

import torch
from torch import Tensor, nn

from ganworks.data.cache import root
from ganworks.errors import UserError
from ganworks.evaluate.features import Extractor


class Inception(Extractor):
    """2048 pooled activations of the TensorFlow InceptionV3 (Heusel et al. 2017), as torch-fidelity ports it.

    Only a Frechet distance on these features is called FID. Grey images are repeated to three channels; images with
    an alpha channel are refused. Sides are resized to 299 by the network itself.

    Use ``Inception.load()``.
    """

    batch = 32
    name = "inception"
    dim = 2048

    def __init__(self, network: nn.Module) -> None:
        self.network = network.eval()
        self.facts = {"weights": "inception-2015-12-05 (torch-fidelity)"}

    @classmethod
    def load(cls, weights: Path | str | None = None) -> Inception:
        """Return the extractor with its published weights, from the file ``weights`` or downloaded once and kept.

        Raises:
            UserError: the extra is not installed, or the weights can neither be found nor downloaded.
        """
        try:
            from torch_fidelity import feature_extractor_inceptionv3 as published
        except (ImportError, RuntimeError) as error:  # a torchvision built for another torch raises RuntimeError
            raise UserError(f"Inception features cannot be had: {error}",
                            "torch-fidelity and a torchvision that fits torch",
                            "pip install 'ganworks[inception]', or use --features classifier or pixels") from error
        path = Path(weights) if weights else _downloaded(published.URL_INCEPTION_V3)
        _check_plain(path)
        network = published.FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(path))
        return cls(network)

    def features(self, samples: Tensor) -> Tensor:
        if samples.ndim != 4 or samples.shape[1] not in (1, 3) or samples.dtype != torch.uint8:
            raise UserError(f"{samples.dtype} samples of shape {tuple(samples.shape[1:])} for Inception",
                            "uint8 images with one or three channels", "use --features classifier or pixels")
        return self.network(samples.expand(-1, 3, -1, -1).contiguous())[0]

    def figure(self, short: str, own: str | None = None) -> str:
        return own or super().figure(short)


def _downloaded(url: str) -> Path:
    path = root().parent / "inception" / Path(urlsplit(url).path).name
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    # torch's own downloader: a temporary file, checked against the hash in the name, then renamed.
    beginning = path.stem.rsplit("-", 1)[-1]
    try:
        with redirect_stdout(sys.stderr):
            torch.hub.download_url_to_file(url, os.fspath(path), hash_prefix=beginning)
    except (OSError, RuntimeError) as error:
        raise UserError(f"the Inception weights could not be downloaded: {error}", f"the file at {url}",
                        f"put it at {path}, or use --features classifier or pixels") from error
    return path


def _check_plain(path: Path) -> None:
    """Refuse a weights file that holds anything but tensors: torch-fidelity would unpickle whatever is in it."""
    try:
        torch.load(path, weights_only=True, map_location="meta")
    except Exception as error:
        raise UserError(f"{path} is not a plain file of weights: {error}", "the weights that torch-fidelity publishes",
                        f"remove {path} and try again") from error
