"""Distances between distributions, and what games do with them."""

from ganworks.measure.bures import GaussianTransport, gaussian
from ganworks.measure.entropic import Sinkhorn, sinkhorn
from ganworks.measure.estimate import Estimate, LogRatio, estimate
from ganworks.measure.lines import line, line_plan
from ganworks.measure.lipschitz import Wasserstein, wasserstein
from ganworks.measure.neighbours import Neighbours, neighbours
from ganworks.measure.plans import Score, score, score_against
from ganworks.measure.slices import MaxSliced, Sliced, max_sliced, sliced
from ganworks.measure.transport import Transport, transport
from ganworks.measure.trust import Caution, effective_samples

__all__ = [
    "Caution",
    "Estimate",
    "GaussianTransport",
    "LogRatio",
    "MaxSliced",
    "Neighbours",
    "Score",
    "Sinkhorn",
    "Sliced",
    "Transport",
    "Wasserstein",
    "effective_samples",
    "estimate",
    "gaussian",
    "line",
    "line_plan",
    "max_sliced",
    "neighbours",
    "score",
    "score_against",
    "sinkhorn",
    "sliced",
    "transport",
    "wasserstein",
]
