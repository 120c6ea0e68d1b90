"""What was found where the data came from: the facts that ``ganworks data`` prints and the cache keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace


@dataclass(frozen=True)
class Facts:
    """What a source found in its files, before and after it was made ready for training.

    Attributes:
        kind: what the data is, in words ("folder of images", "npz array", ...).
        path: where it came from.
        found: how many files or rows were looked at.
        count: how many samples came out.
        shape: shape of one sample, (C, H, W) or (D,).
        sizes: images by their size as found, "WIDTHxHEIGHT" -> count.
        formats: images by their kind as found, "RGB 8 bit" -> count.
        values: the range of the values as found, and what was done with it.
        classes: samples by class name, empty where there are no labels.
        vectors: (smallest, greatest) of each number of the vectors that come with the samples, empty without vectors.
        split: of pairs, the first channels that are the input; 0 where there are no pairs.
        crop: side of the crops that images are used in, 0 where they are used whole.
        duplicates: samples that equal an earlier sample in every value.
        skipped: (file, reason) of what could not be used.
        notes: other things the user should know.
        cache: folder of the cache entry, "" where there is none.
        cache_bytes: size of that entry in bytes.
    """

    kind: str
    path: str
    found: int
    count: int = 0
    shape: tuple[int, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    formats: Mapping[str, int] = field(default_factory=dict)
    values: str = ""
    classes: Mapping[str, int] = field(default_factory=dict)
    vectors: tuple[tuple[float, float], ...] = ()
    split: int = 0
    crop: int = 0
    duplicates: int = 0
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    cache: str = ""
    cache_bytes: int = 0

    def but(self, **changes: object) -> Facts:
        """Return a copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def to_json(self) -> str:
        """Return the facts as JSON text."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Facts:
        """Return the facts that ``to_json`` wrote."""
        found = json.loads(text)
        lists = {"shape": tuple(found["shape"]), "notes": tuple(found["notes"]),
                 "vectors": tuple((low, high) for low, high in found["vectors"]),
                 "skipped": tuple((name, reason) for name, reason in found["skipped"])}
        return cls(**{**found, **lists})
