"""The mathematics of adversarial objectives: from a formula to a proved, trainable objective.

Everything is in the letters p (real density), q (generated density), r = q/p, u = p/q and t, the critic's output with
high = generated; what is compiled takes raw outputs v with high = real.
"""

from ganworks.design.building import from_divergence, from_likelihood_ratio, from_terms
from ganworks.design.catalogue import entries, named_designs
from ganworks.design.certificate import Certificate, Check
from ganworks.design.derivation import Derivation
from ganworks.design.design import Design, solve_generator
from ganworks.design.minimax import minimax_proof
from ganworks.design.named import entry_named, objective_named

__all__ = ["Certificate", "Check", "Derivation", "Design", "entries", "entry_named", "from_divergence",
           "from_likelihood_ratio", "from_terms", "minimax_proof", "named_designs", "objective_named",
           "solve_generator"]
