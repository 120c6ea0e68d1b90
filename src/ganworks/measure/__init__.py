"""Distances between distributions, and what games do with them."""

from ganworks.measure.bures import GaussianTransport, gaussian
from ganworks.measure.distributions import Distribution, GaussianMixture
from ganworks.measure.divergence import divergence
from ganworks.measure.dynamics import Dynamics, Field, dynamics, table_of_dynamics, vector_field
from ganworks.measure.entropic import Sinkhorn, sinkhorn
from ganworks.measure.estimate import Estimate, LogRatio, estimate
from ganworks.measure.force import Force, force
from ganworks.measure.lines import line, line_plan
from ganworks.measure.lipschitz import Wasserstein, wasserstein
from ganworks.measure.metric import Triangle, is_metric
from ganworks.measure.neighbours import Neighbours, neighbours
from ganworks.measure.perfect import (
    Discriminator,
    Path,
    PushForward,
    discriminator,
    path_of_generators,
    push_forward,
)
from ganworks.measure.plans import Score, score, score_against
from ganworks.measure.result import Value
from ganworks.measure.slices import MaxSliced, Sliced, max_sliced, sliced
from ganworks.measure.texts import distribution
from ganworks.measure.transport import Transport, transport
from ganworks.measure.trust import Caution, effective_samples
from ganworks.measure.walks import Walk, walk

__all__ = [
    "Caution",
    "Discriminator",
    "Distribution",
    "Dynamics",
    "Estimate",
    "Field",
    "Force",
    "GaussianMixture",
    "GaussianTransport",
    "LogRatio",
    "MaxSliced",
    "Neighbours",
    "Path",
    "PushForward",
    "Score",
    "Sinkhorn",
    "Sliced",
    "Transport",
    "Triangle",
    "Value",
    "Walk",
    "Wasserstein",
    "discriminator",
    "distribution",
    "divergence",
    "dynamics",
    "effective_samples",
    "estimate",
    "force",
    "gaussian",
    "is_metric",
    "line",
    "line_plan",
    "max_sliced",
    "neighbours",
    "path_of_generators",
    "push_forward",
    "score",
    "score_against",
    "sinkhorn",
    "sliced",
    "table_of_dynamics",
    "transport",
    "vector_field",
    "walk",
    "wasserstein",
]
