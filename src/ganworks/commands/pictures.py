"""Pictures that commands write: refused before the work where a file is in the way, announced when they are there."""

from __future__ import annotations

from pathlib import Path

from ganworks.console import note
from ganworks.errors import UserError
from ganworks.files import write_bytes


def refuse_picture(path: str | None, force: bool) -> None:
    """Raise UserError where ``path`` is no PNG or exists already without --force."""
    if path is None:
        return
    if not path.endswith(".png"):
        raise UserError(f"--picture {path}", "a file that ends in .png")
    if Path(path).exists() and not force:
        raise UserError(f"{path} exists already", "a new file", "take another name, or replace it with --force")


def write_picture(path: str, content: bytes, of: str = "") -> None:
    """Write the PNG and say where it is, and of what if that is not plain."""
    write_bytes(path, content)
    note(f"picture{of}: {path}")
