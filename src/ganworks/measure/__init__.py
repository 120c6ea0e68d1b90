"""Distances between distributions, and what games do with them."""

from ganworks.measure.bures import GaussianTransport, gaussian
from ganworks.measure.entropic import Sinkhorn, sinkhorn
from ganworks.measure.lines import line, line_plan
from ganworks.measure.plans import Score, score, score_against
from ganworks.measure.slices import MaxSliced, Sliced, max_sliced, sliced
from ganworks.measure.transport import Transport, transport

__all__ = [
    "GaussianTransport",
    "MaxSliced",
    "Score",
    "Sinkhorn",
    "Sliced",
    "Transport",
    "gaussian",
    "line",
    "line_plan",
    "max_sliced",
    "score",
    "score_against",
    "sinkhorn",
    "sliced",
    "transport",
]
