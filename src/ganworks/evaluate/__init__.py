
from ganworks.evaluate.judge import evaluate, quick_frechet
from ganworks.evaluate.modes import transport_distance

__all__ = ["evaluate", "quick_frechet", "transport_distance"]
