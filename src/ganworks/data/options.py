"""The options of a source, as they stand in a recipe and on the command line."""

from __future__ import annotations

from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ganworks.errors import UserError

Fit = Literal["crop", "stretch", "pad"]
Channels = Literal[1, 3, 4]


class DataOptions(BaseModel):
    """Which data, and how images are brought to one shape."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field("digits", min_length=1, description="a built-in name (digits, ring8, ...), a folder or zip of "
                      "images, a .npy, .npz, .idx or .idx.gz file, or hf:NAME[:SPLIT]")
    size: int | None = Field(None, ge=4, le=1024, description="side of the square images in pixels; by default the "
                             "images' own, or a power of two not above their median side")
    channels: Channels | None = Field(None, description="1 grey, 3 RGB, 4 RGBA; by default what the images have, "
                                      "with transparency laid on white")
    fit: Fit = Field("crop", description="how an image becomes square: crop (resize, then cut the centre), stretch, "
                     "or pad (with white, or with nothing in RGBA)")
    flip: bool = Field(False, description="mirror each image left to right with probability 1/2 when a batch is drawn")
    held_out: float = Field(0.0, ge=0, lt=1, description="share of the data that is never trained on, by which it "
                            "shows what the critic has learnt by heart")


class UnpairedOptions(DataOptions):
    """Images of two kinds, A and B, and how they are brought to one shape."""

    path: str = Field("", description="a folder with the folders A and B in it (or trainA and trainB); the folder of "
                      "A, with --to; or a folder of pictures that have A on the left and B on the right")
    to: str | None = Field(None, description="the folder of B")
    size: int | None = Field(None, ge=8, le=1024, description="side of the square crops in pixels; by default the "
                             "images' own, or a power of two not above their smallest side, at most 256")
    load_size: int | None = Field(None, ge=8, le=2048, description="side that images are brought to before a random "
                                  "crop is cut; by default a ninth more than --size (286 for 256), equal cuts nothing")
    fit: Fit = Field("crop", description="how an image becomes square first: crop (resize, then cut the centre), "
                     "stretch, or pad (with white, or with nothing in RGBA)")
    flip: bool = Field(True, description="mirror left to right with probability 1/2 when a batch is drawn")
    held_out: float = Field(0.1, ge=0, lt=1, description="share of the images that is never trained on, for pictures "
                            "and measures")


class PairOptions(UnpairedOptions):
    """Pairs of images, A and B, and how they are brought to one shape."""

    path: str = Field("", description="a folder with the folders A and B in it (or trainA and trainB), whose images "
                      "have the same names; the folder of A, with --to; or a folder of pictures that have A on the "
                      "left and B on the right")
    direction: Literal["AtoB", "BtoA"] = Field("AtoB", description="what is translated to what")


Kind = TypeVar("Kind", bound=DataOptions)


def checked(**values: object) -> DataOptions:
    """Return ``DataOptions(**values)``; what is out of range is a UserError that names the option."""
    return checked_as(DataOptions, **values)


def checked_as(kind: type[Kind], **values: object) -> Kind:
    """Return ``kind(**values)``; what is out of range is a UserError that names the option."""
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "options"
        known = kind.model_fields.get(name)
        wanted = (known.description or "") if known else "one of: " + ", ".join(kind.model_fields)
        raise UserError(f"--{name.replace('_', '-')} {first['input']}: {first['msg']}", wanted) from None
