"""What can be done to a game so that it settles: penalties, noise, bounds, and other ways to step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

from ganworks.errors import UserError, did_you_mean


@dataclass(frozen=True)
class Kind:
    """A stabiliser one can ask for.

    Attributes:
        what: one line.
        values: its numbers, with what they are unless said otherwise.
        place: "penalty", "noise", "bound", "direction" or "memory"; of each place at most one may be asked for.
        dirac: it needs a critic with an input, psi x.
    """

    what: str
    values: Mapping[str, float] = field(default_factory=dict)
    place: str = "penalty"
    dirac: bool = True


KINDS = {
    "r1": Kind("gamma/2 |grad D|^2 at real samples (Mescheder et al. 2018, eq. 9)", {"gamma": 1}),
    "r2": Kind("gamma/2 |grad D|^2 at generated samples (Mescheder et al. 2018, eq. 10)", {"gamma": 1}),
    "gp": Kind("weight (|grad D| - 1)^2 between the samples, WGAN-GP (Gulrajani et al. 2017, eq. 3)", {"weight": 1}),
    "gp_one_sided": Kind("weight max(0, |grad D| - 1)^2, WGAN-LP (Petzka et al. 2018)", {"weight": 1}),
    "noise": Kind("normal noise of deviation sd on real and generated samples (Sonderby et al. 2017)", {"sd": 1},
                  "noise"),
    "clip": Kind("|psi| <= bound after each step of the critic (Arjovsky et al. 2017)", {"bound": 1}, "bound", False),
    "spectral": Kind("the critic is psi/|psi| x (Miyato et al. 2018)", {}, "bound"),
    "consensus": Kind("both players also descend gamma/2 |field|^2 (Mescheder et al. 2017)", {"gamma": 1}, "direction",
                      False),
    "extragradient": Kind("the field is taken one step ahead (Korpelevich 1976)", {}, "direction", False),
    "unrolled": Kind("the generator looks through k steps of size eta of the critic (Metz et al. 2017); "
                     "eta = 0: the game's step", {"k": 5, "eta": 0}, "direction", False),
    "unrolled_first_order": Kind("the same without the derivative of those steps", {"k": 5, "eta": 0}, "direction",
                                 False),
    "optimistic": Kind("2 field - last field (Daskalakis et al. 2018, eq. 4)", {}, "memory", False),
    "momentum": Kind("heavy ball; mu < 0 is the negative momentum of Gidel et al. 2019", {"mu": -0.5}, "memory",
                     False),
}


@dataclass(frozen=True)
class Stabiliser:
    """What was asked for.

    Attributes:
        text: as it was written, "none" where nothing was.
        chosen: numbers by name of the kind.
    """

    text: str
    chosen: Mapping[str, Mapping[str, float]]

    def at(self, place: str) -> tuple[str, Mapping[str, float]] | None:
        """Return the kind in this place and its numbers, or None."""
        return next(((name, values) for name, values in self.chosen.items() if KINDS[name].place == place), None)

    @property
    def needs_input(self) -> str | None:
        """The first kind that means something for a critic with an input only, or None."""
        return next((name for name in self.chosen if KINDS[name].dirac), None)


def stabiliser_named(text: str | None) -> Stabiliser:
    """Return what ``r1``, ``r1:gamma=0.5``, ``unrolled:k=10,eta=0.2`` or ``r1:gamma=1+extragradient`` names.

    Raises:
        UserError: no such stabiliser, number, or two in one place.
    """
    if text is None or text.strip() in ("", "none"):
        return Stabiliser("none", {})
    chosen: dict[str, Mapping[str, float]] = {}
    for part in re.split(r"\+(?=\s*[a-z])", text):
        name, values = _one(part.strip())
        rivals = [other for other in chosen if KINDS[other].place == KINDS[name].place]
        if rivals:
            raise UserError(f"stabilisers {rivals[0]} and {name} together", f"one {KINDS[name].place} at a time")
        chosen[name] = values
    return Stabiliser(text.strip(), chosen)


def _one(text: str) -> tuple[str, Mapping[str, float]]:
    name, _, rest = text.partition(":")
    if name not in KINDS:
        raise UserError(f"unknown stabiliser '{name}'", did_you_mean(name, [*KINDS, "none"]))
    values = dict(KINDS[name].values)
    for part in filter(None, rest.split(",")):
        key, _, number = part.partition("=")
        if key.strip() not in values:
            raise UserError(f"stabiliser '{name}' has no number '{key.strip()}'",
                            did_you_mean(key.strip(), values) if values else "no numbers")
        try:
            values[key.strip()] = float(number)
        except ValueError:
            raise UserError(f"stabiliser '{name}': {key.strip()} = '{number}'", "a number") from None
    _check(name, values)
    return name, values


def _check(name: str, values: Mapping[str, float]) -> None:
    for key, value in values.items():
        if not isfinite(value):
            raise UserError(f"stabiliser '{name}': {key} = {value}", "a finite number")
        if key == "k" and (value < 1 or value != int(value) or value > 1000):
            raise UserError(f"stabiliser '{name}': k = {value:g}", "a whole number from 1 to 1000")
        if key == "bound" and value <= 0:
            raise UserError(f"stabiliser '{name}': bound = {value:g}", "a bound above 0")
        if key == "mu" and not -1 < value < 1:
            raise UserError(f"stabiliser '{name}': mu = {value:g}", "a number above -1 and below 1")
        if key in ("gamma", "weight", "sd", "eta") and value < 0:
            raise UserError(f"stabiliser '{name}': {key} = {value:g}", "a number that is not negative")
