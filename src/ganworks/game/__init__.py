"""Games: objectives meet networks. No optimiser, no device and no file is known here."""

from ganworks.game.ada import ADA
from ganworks.game.balance import Balance
from ganworks.game.classify import Classify
from ganworks.game.consistency import Consistency
from ganworks.game.cycle import Cycle
from ganworks.game.diffaugment import DiffAugment
from ganworks.game.duel import Duel
from ganworks.game.features import FeatureMatching, PullAway
from ganworks.game.foresight import Foresight
from ganworks.game.game import Costs, Game, Move, Round, signal
from ganworks.game.instance_noise import InstanceNoise
from ganworks.game.lecam import LeCam
from ganworks.game.lens import Lens
from ganworks.game.lenses import Lenses
from ganworks.game.likeness import Likeness
from ganworks.game.noise import Entry, Latent, Noise
from ganworks.game.penalties import R1, R2, GradientPenalty, GradientPower, GradientTerm
from ganworks.game.replay import Replay
from ganworks.game.schedule import Level, Ramp
from ganworks.game.terms import Term, Weighted
from ganworks.game.top import Top
from ganworks.game.turn import Turn
from ganworks.game.unrolled import Unrolled
from ganworks.game.weights import HistoricalAverage, Orthogonal

__all__ = ["ADA", "R1", "R2", "Balance", "Classify", "Consistency", "Costs", "Cycle", "DiffAugment", "Duel", "Entry",
           "FeatureMatching", "Foresight", "Game", "GradientPenalty", "GradientPower", "GradientTerm",
           "HistoricalAverage", "InstanceNoise", "Latent", "LeCam", "Lens", "Lenses", "Level", "Likeness", "Move",
           "Noise", "Orthogonal", "PullAway", "Ramp", "Replay", "Round", "Term", "Top", "Turn", "Unrolled",
           "Weighted", "signal"]
