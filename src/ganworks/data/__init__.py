"""Sources to learn from, and pictures of samples."""

from ganworks.data.arrays import Images, Points
from ganworks.data.facts import Facts
from ganworks.data.opening import facts_of, open_source
from ganworks.data.options import DataOptions
from ganworks.data.source import Batch, Finite, Source, as_bytes, as_floats
from ganworks.data.torchdata import from_torch
from ganworks.data.toys import TOYS, Mixture, Toy

__all__ = ["TOYS", "Batch", "DataOptions", "Facts", "Finite", "Images", "Mixture", "Points", "Source", "Toy",
           "as_bytes", "as_floats", "facts_of", "from_torch", "open_source"]
