"""Distributions as text: "normal(0, 1)", "0.3*normal(-1, 0.5) + 0.7*normal(2, 1)", "0.2 0.3 0.5". No code is run.

    whole  = part ("+" part)* | numbers | "ring8" | "grid25"
    part   = [weight "*"] name ["(" argument ("," argument)* ")"]
    argument = [letter "="] (number | "[" argument ("," argument)* "]")
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganworks.errors import UserError, did_you_mean
from ganworks.measure.distributions import SUM, Atoms, Distribution, GaussianMixture, Lattice, Line

LONGEST = 20_000
_WORD = re.compile(r"(?P<number>(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
                   r"|(?P<sign>[-+*/(),;=\[\]])|(?P<space>\s+)", re.ASCII)
Argument = Any
"""A float or a list of arguments."""


@dataclass(frozen=True)
class Family:
    """A family of distributions.

    Attributes:
        letters: its parameters. defaults: of the last of them.
        make: (parameters) -> a frozen distribution of scipy.stats.
        positive: letters that must be > 0.
        discrete: whether it has probabilities instead of a density.
    """

    letters: tuple[str, ...]
    defaults: tuple[float, ...]
    make: Callable[..., Any]
    positive: tuple[str, ...] = ()
    discrete: bool = False


def _stats() -> Any:
    from scipy import stats

    return stats


FAMILIES: dict[str, Family] = {
    "normal": Family(("mean", "sd"), (0, 1), lambda m, s: _stats().norm(m, s), ("sd",)),
    "uniform": Family(("low", "high"), (0, 1), lambda a, b: _stats().uniform(a, b - a)),
    "laplace": Family(("mean", "scale"), (0, 1), lambda m, s: _stats().laplace(m, s), ("scale",)),
    "cauchy": Family(("mean", "scale"), (0, 1), lambda m, s: _stats().cauchy(m, s), ("scale",)),
    "logistic": Family(("mean", "scale"), (0, 1), lambda m, s: _stats().logistic(m, s), ("scale",)),
    "student": Family(("degrees", "mean", "scale"), (0, 1), lambda n, m, s: _stats().t(n, m, s),
                      ("degrees", "scale")),
    "beta": Family(("a", "b"), (), lambda a, b: _stats().beta(a, b), ("a", "b")),
    "gamma": Family(("shape", "scale"), (1,), lambda a, s: _stats().gamma(a, scale=s), ("shape", "scale")),
    "exponential": Family(("rate",), (1,), lambda r: _stats().expon(scale=1 / r), ("rate",)),
    "lognormal": Family(("mean", "sd"), (0, 1), lambda m, s: _stats().lognorm(s, scale=math.exp(m)), ("sd",)),
    "poisson": Family(("mean",), (), lambda m: _stats().poisson(m), ("mean",), True),
    "binomial": Family(("n", "chance"), (), lambda n, c: _stats().binom(n, c), ("n",), True),
    "geometric": Family(("chance",), (), lambda c: _stats().geom(c), ("chance",), True),
}
PLANAR = ("normal2", "gaussian")
WHOLE = ("ring8", "grid25")
KNOWN = (*FAMILIES, *PLANAR, *WHOLE)


@dataclass(frozen=True)
class Word:
    """A word of the text: kind "number", "name", "sign" or "end"; ``at`` counts characters from 0."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class Part:
    """weight * name(arguments)."""

    weight: float
    name: str
    arguments: tuple[Argument, ...]
    word: Word


def distribution(text: str) -> Distribution:
    """Return the distribution that ``text`` describes.

    On the line: normal(mean, sd), uniform(low, high), laplace(mean, scale), cauchy(mean, scale), logistic(mean, scale),
    student(degrees, mean, scale), beta(a, b), gamma(shape, scale), exponential(rate), lognormal(mean, sd) and mixtures
    0.3*normal(-1, 0.5) + 0.7*cauchy. Discrete: poisson(mean), binomial(n, chance), geometric(chance), and vectors of
    probabilities: "0.2 0.3 0.5". In more dimensions: normal2([mean], [[covariance]]) and mixtures of those; ring8 and
    grid25 are the rings and grids of Gaussians that GANs are tried on (radius 1, sd 0.01; spacing 2, sd 0.05).

    Raises:
        UserError: it cannot be read; the problem shows the text and a caret.
    """
    return Reader(text).whole()


class Reader:
    """Reads one text."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise UserError(f"a distribution of type {type(text).__name__}", "text such as 'normal(0, 1)'")
        self.text = text
        if len(text) > LONGEST:
            raise self._error(f"it has {len(text)} characters", 0, f"at most {LONGEST}")
        self.words = self._words()
        self.at = 0

    def whole(self) -> Distribution:
        """Return what the text describes."""
        if self.words[0].kind == "end":
            raise self._error("it is empty", 0, "a distribution such as normal(0, 1), or probabilities")
        if self._is_vector():
            return self._vector()
        parts = [self._part()]
        while self._take("+"):
            parts.append(self._part())
        if self._word.kind != "end":
            raise self._error(f"unexpected '{self._word.text}'", self._word.at, "+ and another part, or the end")
        return self._joined(parts)

    def _words(self) -> list[Word]:
        found, at = [], 0
        while at < len(self.text):
            match = _WORD.match(self.text, at)
            if match is None:
                raise self._error(f"unexpected '{self.text[at]}'", at, "numbers, names, + * ( ) [ ] ,")
            if match.lastgroup != "space":
                found.append(Word(str(match.lastgroup), match.group(), at))
            at = match.end()
        return [*found, Word("end", "", len(self.text.rstrip()))]

    def _error(self, problem: str, at: int, wanted: str = "", remedy: str = "") -> UserError:
        start = max(0, at - 50)
        shown = " ".join(self.text[start:start + 100].splitlines() or [""])
        return UserError(f"cannot read the distribution: {problem}\n  {shown}\n  {' ' * (at - start)}^", wanted, remedy)

    @property
    def _word(self) -> Word:
        return self.words[self.at]

    def _take(self, sign: str) -> bool:
        if self._word.kind == "sign" and self._word.text == sign:
            self.at += 1
            return True
        return False

    def _expect(self, sign: str, wanted: str) -> None:
        if not self._take(sign):
            what = f"'{self._word.text}'" if self._word.text else "the end"
            raise self._error(f"{what} where '{sign}' should be", self._word.at, wanted)

    def _number(self) -> float:
        minus = self._take("-")
        if not minus:
            self._take("+")
        word = self._word
        if word.kind != "number":
            raise self._error(f"'{word.text}' is no number" if word.text else "it ends too soon", word.at, "a number")
        self.at += 1
        value = float(word.text)
        if self._take("/"):
            below = self._word
            if below.kind != "number":
                raise self._error("a number should follow the /", below.at, "such as 1/3")
            if float(below.text) == 0:
                raise self._error("a division by zero", below.at, "a number")
            self.at += 1
            value /= float(below.text)
        if math.isinf(value):
            raise self._error("a number that is too large", word.at, "at most 1.8e308")
        return -value if minus else value

    def _is_vector(self) -> bool:
        return all(word.kind in ("number", "end") or word.text in "[],;/-+" for word in self.words)

    def _vector(self) -> Atoms:
        numbers = []
        while self._word.kind != "end":
            word = self._word
            if not any(self._take(sign) for sign in "[],;"):
                number = self._number()
                if number < 0:
                    raise self._error(f"the probability {number:g} is negative", word.at, "probabilities that sum to 1")
                numbers.append(number)
        if len(numbers) == 1 and numbers[0] != 1:
            raise self._error("a number alone is no distribution", 0, "a name such as normal(0, 1), or probabilities")
        return Atoms(numbers, f"'{self.text.strip()[:40]}'")

    def _part(self) -> Part:
        weight = math.nan
        start = self._word
        if self._word.kind == "number" or self._word.text == "-":
            weight = self._number()
            self._expect("*", "a weight and a distribution, such as 0.3*normal(0, 1)")
            if not 0 < weight <= 1:
                raise self._error(f"the weight {weight:g}", start.at, "a weight above 0, at most 1")
        word = self._word
        if word.kind != "name":
            raise self._error(f"'{word.text}' is no distribution" if word.text else "it ends too soon", word.at,
                              "a name such as normal(0, 1)")
        if word.text not in KNOWN:
            raise self._error(f"unknown distribution '{word.text}'", word.at, did_you_mean(word.text, KNOWN))
        self.at += 1
        arguments = self._arguments(word) if self._take("(") else ()
        return Part(weight, word.text, arguments, word)

    def _arguments(self, owner: Word) -> tuple[Argument, ...]:
        letters = FAMILIES[owner.text].letters if owner.text in FAMILIES else ("mean", "covariance")
        found: dict[int, Argument] = {}
        while not self._take(")"):
            if found:
                self._expect(",", "a comma between parameters, or )")
            place = len(found)
            if self._word.kind == "name":
                name = self._word
                if name.text not in letters:
                    raise self._error(f"{owner.text} has no parameter '{name.text}'", name.at,
                                      did_you_mean(name.text, letters))
                place = letters.index(name.text)
                self.at += 1
                self._expect("=", f"{name.text}=number")
            if place in found or place >= len(letters):
                raise self._error(f"too many parameters for {owner.text}", self._word.at,
                                  f"{owner.text}({', '.join(letters)})")
            found[place] = self._argument(3)
        if sorted(found) != list(range(len(found))):
            missing = next(i for i in range(len(letters)) if i not in found)
            defaults = FAMILIES[owner.text].defaults if owner.text in FAMILIES else ()
            known = dict(zip(range(len(letters) - len(defaults), len(letters)), defaults, strict=True))
            found = {**known, **found}
            if missing not in found:
                raise self._error(f"{owner.text} without {letters[missing]}", owner.at,
                                  f"{owner.text}({', '.join(letters)})")
        return tuple(found[i] for i in sorted(found))

    def _argument(self, depth: int) -> Argument:
        if not self._take("["):
            return self._number()
        if depth == 0:
            raise self._error("too many brackets", self._word.at, "vectors and matrices")
        items = [self._argument(depth - 1)]
        while not self._take("]"):
            self._expect(",", "a comma, or ]")
            items.append(self._argument(depth - 1))
        return items

    def _joined(self, parts: list[Part]) -> Distribution:
        weights = self._weights(parts)
        if any(part.name in WHOLE for part in parts):
            return self._preset(parts)
        planar = [part for part in parts if part.name in PLANAR]
        if planar and len(planar) < len(parts):
            other = next(part for part in parts if part.name not in PLANAR)
            raise self._error(f"{planar[0].name} and {other.name} in one mixture", other.word.at,
                              "parts of one dimension")
        if planar:
            return self._gaussians(parts, weights)
        frozen = [self._frozen(part) for part in parts]
        discrete = [part for part in parts if FAMILIES[part.name].discrete]
        if discrete:
            if len(parts) > 1:
                raise self._error(f"{discrete[0].name} in a mixture", discrete[0].word.at, "densities in a mixture")
            return Lattice(frozen[0])
        if all(part.name == "normal" for part in parts):
            means, spreads = np.array([f.mean() for f in frozen]), np.array([f.std() for f in frozen])
            return GaussianMixture(weights, means[:, None], (spreads**2)[:, None, None])
        return Line(list(weights), frozen)

    def _weights(self, parts: list[Part]) -> np.ndarray:
        weights = np.array([part.weight for part in parts])
        if len(parts) == 1:
            if not (math.isnan(weights[0]) or abs(weights[0] - 1) <= SUM):
                raise self._error(f"the weight is {weights[0]:g}, and nothing else is there", 0, "weights with sum 1")
            return np.ones(1)
        if np.isnan(weights).any():
            bare = parts[int(np.isnan(weights).argmax())]
            raise self._error(f"{bare.name} has no weight", bare.word.at, "a weight for each part, as in 0.5*normal")
        total = math.fsum(weights)
        if abs(total - 1) > SUM:
            raise self._error(f"the weights sum to {total:.12g}", parts[0].word.at, "weights with sum 1")
        return weights / total

    def _frozen(self, part: Part) -> Any:
        family = FAMILIES[part.name]
        shape = f"{part.name}({', '.join(family.letters)})"
        least = len(family.letters) - len(family.defaults)
        if len(part.arguments) < least:
            raise self._error(f"{part.name} needs {', '.join(family.letters[:least])}", part.word.at, shape)
        values = [*part.arguments, *family.defaults[len(part.arguments) - least:]]
        for letter, value in zip(family.letters, values, strict=True):
            if isinstance(value, list):
                raise self._error(f"{letter} of {part.name} is a list", part.word.at, shape + " of numbers")
            if letter in family.positive and value <= 0:
                raise self._error(f"{letter} of {part.name} is {value:g}", part.word.at, f"{letter} above 0")
            if letter == "chance" and not 0 < value < 1:
                raise self._error(f"chance of {part.name} is {value:g}", part.word.at, "a chance between 0 and 1")
            if letter == "n" and value != int(value):
                raise self._error(f"n of {part.name} is {value:g}", part.word.at, "a whole number")
        if part.name == "uniform" and values[1] <= values[0]:
            raise self._error(f"uniform from {values[0]:g} to {values[1]:g}", part.word.at, "low below high")
        try:
            found = family.make(*values)
            if not np.isfinite([*found.args, *found.kwds.values()]).all():
                raise OverflowError
        except (OverflowError, ZeroDivisionError):
            raise self._error(f"the parameters of {part.name} are too large or too small", part.word.at,
                              "a width that is a number below 1.8e308") from None
        return found

    def _gaussians(self, parts: list[Part], weights: np.ndarray) -> GaussianMixture:
        means: list[np.ndarray] = []
        covariances: list[np.ndarray] = []
        for part in parts:
            given = (*part.arguments, *([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]])[len(part.arguments):])
            try:
                mean = np.asarray(given[0], dtype=np.float64)
                covariance = np.asarray(given[1], dtype=np.float64)
                size = len(mean)
                covariance = covariance * np.eye(size) if covariance.ndim == 0 else covariance
                if mean.ndim != 1 or covariance.shape != (size, size) or (part.name == "normal2" and size != 2):
                    raise ValueError
                GaussianMixture(np.ones(1), mean[None], covariance[None])
            except UserError as error:
                raise self._error(error.problem, part.word.at, error.wanted, error.remedy) from None
            except (TypeError, ValueError):
                raise self._error(f"mean and covariance of {part.name} do not fit", part.word.at,
                                  "such as normal2([0, 0], [[1, 0.3], [0.3, 1]])") from None
            if means and len(means[0]) != size:
                raise self._error(f"parts of dimension {len(means[0])} and {size}", part.word.at, "one dimension")
            means.append(mean)
            covariances.append(covariance)
        return GaussianMixture(weights, np.array(means), np.array(covariances))

    def _preset(self, parts: list[Part]) -> GaussianMixture:
        part = next(part for part in parts if part.name in WHOLE)
        if len(parts) > 1:
            raise self._error(f"{part.name} in a mixture", part.word.at, f"{part.name} alone")
        if part.arguments:
            raise self._error(f"{part.name} has no parameters", part.word.at, part.name)
        if part.name == "ring8":
            angles = 2 * np.pi * np.arange(8) / 8
            means, sd = np.stack([np.cos(angles), np.sin(angles)], axis=1), 0.01
        else:
            line = 2.0 * (np.arange(5) - 2)
            means, sd = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(25, 2), 0.05
        return GaussianMixture(np.full(len(means), 1 / len(means)), means, sd**2 * np.eye(2))
