"""A checkpoint file: any tree of tensors and plain values in one safetensors file, with a checksum."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ganworks.errors import UserError
from ganworks.files import write_bytes

FORMAT = "1"


def write_state(path: Path, state: dict[str, Any], facts: dict[str, Any] | None = None) -> None:
    """Write a tree of dicts, lists, tensors, numbers, strings and None to ``path``, atomically and synced.

    Args:
        facts: small plain values that can be read without the tensors (``read_facts``).
    """
    tensors: dict[str, Tensor] = {}
    tree = _encode(state, "state", tensors)
    metadata = {"format": FORMAT, "tree": json.dumps(tree), "facts": json.dumps(facts or {})}
    metadata["checksum"] = _checksum(tensors, metadata)
    write_bytes(path, save(tensors, metadata))


def read_state(path: Path) -> dict[str, Any]:
    """Read what ``write_state`` wrote, onto the CPU. A damaged file raises UserError."""
    metadata, tensors = _open(path, with_tensors=True)
    if _checksum(tensors, {k: v for k, v in metadata.items() if k != "checksum"}) != metadata.get("checksum"):
        raise UserError(f"checkpoint {path} is damaged: its checksum does not match")
    return _decode(json.loads(metadata["tree"]), tensors)


def read_facts(path: Path) -> dict[str, Any]:
    """Read the facts of a checkpoint, not its tensors."""
    metadata, _ = _open(path, with_tensors=False)
    try:
        return json.loads(metadata["facts"])
    except (KeyError, ValueError) as error:
        raise UserError(f"checkpoint {path} is damaged: its facts cannot be read") from error


def _open(path: Path, with_tensors: bool) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, "pt") as handle:  # type: ignore[no-untyped-call]
            metadata = handle.metadata() or {}
            tensors = {key: handle.get_tensor(key) for key in handle.keys()} if with_tensors else {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"checkpoint {path} cannot be read: {error}") from error
    if metadata.get("format") != FORMAT:
        raise UserError(f"{path} is no checkpoint of this version (format {metadata.get('format')})",
                        f"format {FORMAT}")
    return metadata, tensors


def _encode(value: Any, key: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        while key in tensors:  # {"a/b": ...} beside {"a": {"b": ...}}
            key += "'"
        tensors[key] = value.detach().to("cpu", copy=True).contiguous()
        return {"tensor": key}
    if isinstance(value, dict):
        return {"dict": [[k, _encode(v, f"{key}/{k}", tensors)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [_encode(v, f"{key}/{i}", tensors) for i, v in enumerate(value)]}
    if value is None or isinstance(value, bool | int | float | str):
        return {"value": value}
    raise TypeError(f"state '{key}' is a {type(value).__name__}; only tensors and plain values are saved")


def _decode(tree: Any, tensors: dict[str, Tensor]) -> Any:
    ((kind, content),) = tree.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {k: _decode(v, tensors) for k, v in content}
    if kind == "list":
        return [_decode(v, tensors) for v in content]
    return content


def _checksum(tensors: dict[str, Tensor], metadata: dict[str, str]) -> str:
    digest = hashlib.blake2b(json.dumps(metadata, sort_keys=True).encode(), digest_size=16)
    for key in sorted(tensors):
        flat = tensors[key].reshape(-1)
        digest.update(key.encode())
        if flat.numel():
            digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()
