"""The letters of every formula. p is the real density, q the generated one."""

from __future__ import annotations

from sympy import Symbol

T = Symbol("t", real=True)
"""What a critic says, in the notation of likelihood-ratio designs (high = generated)."""
R = Symbol("r", positive=True)
"""The likelihood ratio q/p."""
U = Symbol("u", positive=True)
"""The likelihood ratio p/q = 1/r, the argument of an f-divergence."""
V = Symbol("v", real=True)
"""A critic's raw output, log p/q at the optimum (high = real); r = exp(-v)."""
