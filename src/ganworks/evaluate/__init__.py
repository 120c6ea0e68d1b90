
from ganworks.evaluate.judge import Drawn, evaluate, quick_frechet
from ganworks.evaluate.modes import transport_distance

__all__ = ["Drawn", "evaluate", "quick_frechet", "transport_distance"]
