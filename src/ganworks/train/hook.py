"""What happens beside the moves: averaging, logging, saving, watching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganworks.game import Costs, Move, Round
    from ganworks.train.trainer import Trainer


class Hook:
    """Base of hooks; every method does nothing unless it is overridden.

    Hooks are called in their order. ``name`` keys a hook's state in checkpoints and must differ between the hooks
    of a recipe that have state.
    """

    name: str = ""

    def start(self, trainer: Trainer) -> None:
        """Before the first step of a session, fresh or resumed (state is loaded by then)."""

    def moved(self, trainer: Trainer, move: Move, costs: Costs, rounds: Sequence[Round]) -> None:
        """After each move: its costs (detached, mean over the parts) and the rounds it was played on."""

    def stepped(self, trainer: Trainer) -> None:
        """After each step; ``trainer.step`` counts the finished ones."""

    def finish(self, trainer: Trainer) -> None:
        """After the last step of a session: the recipe is done, or the session was interrupted."""

    def close(self, trainer: Trainer) -> None:
        """At the very end of a session, however it ended."""

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs, as tensors and plain values."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what ``state_dict`` returned."""
