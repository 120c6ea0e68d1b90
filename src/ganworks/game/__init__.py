"""Games: objectives meet networks. No optimiser, no device and no file is known here."""

from ganworks.game.duel import Duel
from ganworks.game.game import Costs, Game, Move, Round
from ganworks.game.noise import Latent, Noise
from ganworks.game.terms import R1, GradientPenalty, GradientTerm, Term, Weighted
from ganworks.game.turn import Turn

__all__ = ["R1", "Costs", "Duel", "Game", "GradientPenalty", "GradientTerm", "Latent", "Move", "Noise", "Round",
           "Term", "Turn", "Weighted"]
