"""Games: objectives meet networks. No optimiser, no device and no file is known here."""

from ganworks.game.duel import Duel
from ganworks.game.foresight import Foresight
from ganworks.game.game import Costs, Game, Move, Round, signal
from ganworks.game.lens import Lens
from ganworks.game.noise import Latent, Noise
from ganworks.game.penalties import R1, GradientPenalty, GradientTerm
from ganworks.game.schedule import Level, Ramp
from ganworks.game.terms import Term, Weighted
from ganworks.game.top import Top
from ganworks.game.turn import Turn

__all__ = ["R1", "Costs", "Duel", "Foresight", "Game", "GradientPenalty", "GradientTerm", "Latent", "Lens", "Level",
           "Move", "Noise", "Ramp", "Round", "Term", "Top", "Turn", "Weighted", "signal"]
