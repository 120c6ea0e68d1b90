"""Exact optimal transport: the cheapest plan, the potentials that prove it, and the best critic they define.

Moving mass P to Q at cost c(x, y) a unit: min sum plan * c over plans with row sums a and column sums b. Its dual is
max sum a u + sum b v over u_i + v_j <= c_ij (Kantorovich). Any plan costs at least as much as any such potentials
say, so that a gap of zero between the two proves both. For c = |x - y| the dual is sup E_P D - E_Q D over 1-Lipschitz
D, the critic of a Wasserstein GAN (Arjovsky, Chintala, Bottou 2017, equation 2).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ganworks.errors import UserError
from ganworks.measure.costs import (
    METRICS,
    both_points,
    both_weights,
    check_power,
    cost_matrix,
    given_costs,
    refuse_beyond_memory,
)
from ganworks.measure.lines import line_plan

PIVOTS = 10**8
CELLS_A_BLOCK = 4_000_000
FEW_COORDINATES = 8
ON_A_LINE = ("euclidean", "cityblock", "chebyshev", "sqeuclidean")
"""Metrics that are |x - y|, or a power of it, in one dimension: there the plan that keeps the order is optimal."""


@dataclass(frozen=True, eq=False)
class Transport:
    """An optimal plan and its proof. All masses are shares: the plan sums to 1.

    Attributes:
        cost: sum of plan * costs; for ``power`` p and a metric it is W_p ** p.
        distance: cost ** (1 / power): W_p.
        plan: (n, m), mass moved from x_i to y_j. There may be other plans as good; on a line it is the one that keeps
            the order.
        u, v: potentials, (n,) and (m,), with u_i + v_j <= costs_ij for all pairs (to one rounding).
        dual: sum a u + sum b v, a proven lower bound of the cost of any plan.
        gap: cost - dual, zero to rounding when the plan is optimal.
        marginal_error: the largest difference between a sum of the plan and the weight it should be.
        a, b: weights, (n,) and (m,), each summing to 1; total: what they summed to when given, 1 if none were.
        costs: (n, m), the cost of each pair.
        x, y: points, (n, d) and (m, d), or None for a given matrix of costs.
        metric: its name, or "given" for a matrix; power: to which it was raised.
    """

    cost: float
    distance: float
    plan: np.ndarray
    u: np.ndarray
    v: np.ndarray
    dual: float
    gap: float
    marginal_error: float
    a: np.ndarray
    b: np.ndarray
    total: float
    costs: np.ndarray
    x: np.ndarray | None
    y: np.ndarray | None
    metric: str
    power: float

    def potential_at(self, points: Any) -> np.ndarray:
        """Return D(z) = min_j (c(z, y_j) - v_j) at points (k, d): the potential of x, extended to all of space.

        It is u at the x_i. For power 1 and a metric it is the best 1-Lipschitz critic, high on x (real) and low on y
        (generated): mean of D over x minus mean over y is the distance.

        Raises:
            UserError: for a given matrix of costs, or points of another dimension.
        """
        if self.y is None:
            raise UserError("a potential away from the points of a given matrix of costs", "points and a metric")
        points, _ = both_points(points, self.y)
        rows = max(1, CELLS_A_BLOCK // len(self.y))
        return np.concatenate([(cost_matrix(points[k : k + rows], self.y, self.metric, self.power) - self.v).min(axis=1)
                               for k in range(0, len(points), rows)])

    @cached_property
    def lipschitz(self) -> float | None:
        """The steepest slope of the best critic between any two of all n + m points, at most 1; None where the cost
        is not a metric. Worked out when first asked for: it looks at (n + m)^2 pairs."""
        if self.power != 1 or self.x is None or self.y is None or not METRICS[self.metric]:
            return None
        points, values = np.concatenate([self.x, self.y]), np.concatenate([self.u, -self.v])
        rounding = 8 * np.finfo(float).eps * max(np.abs(values).max(), self.costs.max())  # no slope, but noise
        steepest, rows = 0.0, max(1, CELLS_A_BLOCK // len(points))
        for k in range(0, len(points), rows):
            apart = cost_matrix(points[k : k + rows], points, self.metric)
            rise = np.abs(values[k : k + rows, None] - values) - rounding
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = np.where(rise > 0, rise / apart, 0.0)
            steepest = max(steepest, float(slope.max()))
        return steepest

    @property
    def moves(self) -> list[tuple[int, int, float]]:
        """What goes where: (i, j, share of the mass), without what stays at no cost, the largest first."""
        found = [(int(i), int(j), float(self.plan[i, j])) for i, j in zip(*np.nonzero(self.plan), strict=True)
                 if self.costs[i, j] != 0]
        return sorted(found, key=lambda move: (-round(move[2], 12), move[0], move[1]))


def transport(x: Any, y: Any, a: Any = None, b: Any = None, metric: Any = "euclidean", power: float = 1) -> Transport:
    """Return the cheapest plan from the points x with weights a to the points y with weights b, and its proof.

    The network simplex of POT (Bonneel et al. 2011) finds the plan. 2,000 by 2,000 points take about a second.

    Args:
        x, y: points, (n, d) or (n,), and (m, d) or (m,); None with a matrix of costs.
        a, b: weights, (n,) and (m,), with equal positive totals; None for equal weights.
        metric: a name of METRICS ("euclidean", "sqeuclidean", "cityblock", "chebyshev", ...) or costs, shape (n, m).
        power: the cost of a move is metric ** power, 1 or more; 2 with "euclidean" gives W_2.

    Raises:
        UserError: bad points, weights, metric or power, or more pairs than memory holds.
    """
    check_power(power)
    if isinstance(metric, str):
        x, y = both_points(x, y)
        refuse_beyond_memory(len(x), len(y))
        costs, name = cost_matrix(x, y, metric, power), metric
    else:
        if power != 1:
            raise UserError(f"power {power:g} with a matrix of costs", "power 1", "raise the matrix to it yourself")
        costs, name = given_costs(metric, x, y), "given"
        refuse_beyond_memory(*costs.shape)
        x = y = None
    given = a, b
    a, b, total = both_weights(a, b, *costs.shape)
    plan, u, v = _solved(costs, a, b, x is not None and x.shape[1] > FEW_COORDINATES)
    if x is not None and x.shape[1] == 1 and metric in ON_A_LINE:
        plan = np.zeros_like(costs)
        left, right, mass = line_plan(x, y, *given)
        np.add.at(plan, (left, right), mass)
    i, j = np.nonzero(plan)
    dust = plan[i, j] <= 4 * np.finfo(float).eps * np.minimum(a[i], b[j])
    plan[i[dust], j[dust]] = 0  # differences of sums that should be equal
    cost, dual = float(np.vdot(plan, costs)), float(a @ u + b @ v)
    error = max(np.abs(plan.sum(axis=1) - a).max(), np.abs(plan.sum(axis=0) - b).max())
    root = cost if name == "given" else max(cost, 0.0) ** (1 / power)
    return Transport(cost, root, plan, u, v, dual, cost - dual, float(error), a, b, total, costs, x, y, name, power)


def _solved(costs: np.ndarray, a: np.ndarray, b: np.ndarray,
            warm: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return plan (n, m) and potentials u (n,), v (m,); ``warm``: begin at rough potentials."""
    import ot

    rows, columns = np.flatnonzero(a), np.flatnonzero(b)  # points without mass have nothing to say
    used = costs[np.ix_(rows, columns)]
    # What rough potentials leave of the costs has the same best plans. Any potentials will do.
    rough = _rough(used, a[rows], b[columns]) if warm else np.zeros(len(rows))
    left = used - rough[:, None]
    left -= left.min(axis=0)
    low, scale = left.min(), np.ptp(left) or 1.0  # the solver's tolerances are absolute: it sees costs from 0 to 1
    left -= low
    left /= scale
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        some, log = ot.emd(a[rows], b[columns], left, numItermax=PIVOTS, log=True)
    if log["warning"] is not None:
        raise UserError(f"the solver found no optimal plan: {log['warning']}", "",
                        "take sinkhorn, or look for weights of very different sizes")
    first = rough + scale * log["u"]
    tries = [feasible(costs, u, rows) for u in (first, _settled(used, some, first))]
    plan = np.zeros_like(costs)
    plan[np.ix_(rows, columns)] = some
    return plan, *max(tries, key=lambda pair: a @ pair[0] + b @ pair[1])


def _rough(costs: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return potentials of the rows after a few of Sinkhorn's iterations in single precision, or zeros.

    In many dimensions, where all distances are much alike, they halve the time of the exact solver.
    """
    low = costs.min(axis=1)
    kernel = low[:, None] - costs
    epsilon = 0.05 * kernel.std() or 1.0
    kernel = np.exp((kernel / epsilon).astype(np.float32))
    a, b = a.astype(np.float32), b.astype(np.float32)
    right = np.ones_like(b)
    with np.errstate(all="ignore"):
        for _ in range(30):
            left = a / (kernel @ right)
            right = b / (left @ kernel)
        found = low + epsilon * np.log(left.astype(np.float64))
    return found if np.isfinite(found).all() else np.zeros(len(a))


def _settled(costs: np.ndarray, plan: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return the rows' potentials anew, so that u_i + v_j = costs_ij along the plan to rounding.

    Those of the solver have drifted by 1e-12 in thousands of pivots. The pairs that the plan uses make a forest; one
    potential of each tree is kept and the others follow from the costs along its branches.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    n, m = plan.shape
    i, j = np.nonzero(plan)
    forest = coo_array((np.ones(len(i)), (i, n + j)), shape=(n + m + 1, n + m + 1)).tocsr()
    _, tree = connected_components(forest, directed=False)
    roots = np.unique(tree[:n], return_index=True)[1]
    i, j = np.append(i, roots), np.append(n + j, np.full(len(roots), n + m))  # one node more joins all the trees
    joined = coo_array((np.ones(len(i)), (i, j)), shape=forest.shape).tocsr()
    order, before = breadth_first_order(joined, n + m, directed=False)
    value = np.concatenate([u, np.zeros(m + 1)])
    for node in order[1:]:
        last = before[node]
        if last < n:
            value[node] = costs[last, node - n] - value[last]
        elif last < n + m:
            value[node] = costs[node, last - n] - value[last]
    return value[:n]


def feasible(costs: np.ndarray, u: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return potentials (n,), (m,) with u_i + v_j <= costs_ij everywhere, from potentials ``u`` of the rows ``rows``.

    Each is the largest that the other allows (c-transform), which never makes the dual value smaller.
    """
    v = (costs[rows] - u[:, None]).min(axis=0)
    return (costs - v).min(axis=1), v
