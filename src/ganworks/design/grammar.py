"""The grammar of formulas: from words to checked sympy nodes. Nothing a user wrote is ever run as Python.

    sum      = product (("+" | "-") product)*
    product  = factor (("*" | "/") factor)*        also a number before a name or a bracket: 2t, 2(t + 1)
    factor   = ("+" | "-") factor | power          -t^2 is -(t^2)
    power    = atom ["^" factor]                   to the right: 2^3^2 is 2^9; "**" is "^"
    atom     = number | name | name "(" sum ("," sum)* ")" | "(" sum ")" | "|" sum "|"

"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial

import sympy
from sympy import Expr, Rational, Symbol

from ganworks.design import nodes
from ganworks.design.nodes import ALIASES, FUNCTIONS, VARIADIC, Unfit
from ganworks.design.tokens import Token, tokens, unreadable
from ganworks.errors import UserError, did_you_mean

MOST_DEEP = 60
MEANING = {"r": "the likelihood ratio q/p", "u": "the likelihood ratio p/q", "t": "the critic's output",
           "v": "the raw output of a critic"}
LETTERS = "r = q/p, u = p/q, t = critic's output, v = raw output"
CONSTANTS = {"pi": sympy.pi, "E": sympy.E, "e": sympy.E}
SUM, PRODUCT, SIGNED, POWER = 10, 20, 30, 40  # how strongly operators bind
BINDING = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "^": POWER}


def fraction(digits: str) -> Expr:
    """Return a decimal number as the fraction that it is."""
    exact = Fraction(digits)
    return Rational(exact.numerator, exact.denominator)


def known(name: str, names: Mapping[str, Expr]) -> Expr:
    """Return what the name stands for; raises ``Unfit``."""
    if name not in names:
        raise Unfit(f"unknown symbol '{name}'", did_you_mean(name, names) if names else "a number")
    return names[name]


class Parser:
    """Reads one formula from left to right, building it as it goes."""

    def __init__(self, text: str, symbol: Symbol | None, names: Mapping[str, Expr]) -> None:
        self.text, self.symbol, self.names = text, symbol, names
        self.tokens, self.at, self.depth = tokens(text), 0, 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self, sign: str) -> bool:
        """Step over ``sign`` if it comes next."""
        if self.next.kind == "sign" and self.next.text == sign:
            self.at += 1
            return True
        return False

    def error(self, token: Token, problem: str, wanted: str = "") -> UserError:
        return unreadable(self.text, token.at, problem, wanted)

    def formula(self) -> Expr:
        result = self.sum(0)
        extra = self.next
        if extra.kind == "sign":
            raise self.error(extra, f"unexpected '{extra.text}'" if extra.text != ")" else "')' without '('")
        if extra.kind != "end":
            raise self.error(extra, f"an operator is missing before '{extra.text}'", "a formula such as 2*t + 1")
        allowed = {str(letter): letter for value in self.names.values() for letter in value.free_symbols}
        # sympy may have put in kinds of nodes that nothing here can work with.
        return self.made(self.tokens[0], lambda: nodes.rebuilt(result, lambda name: known(name, allowed)))

    def made(self, token: Token, build: Callable[[], Expr]) -> Expr:
        try:
            return build()
        except Unfit as unfit:
            raise self.error(token, str(unfit), unfit.wanted) from None

    def sum(self, floor: int) -> Expr:
        """Return what comes next up to the first operator that binds no stronger than ``floor``."""
        left = self.atom()
        while True:
            operator = self.next
            if operator.kind == "sign" and BINDING.get(operator.text, 0) > floor:
                self.at += 1
                right = self.nested(SIGNED) if operator.text == "^" else self.sum(BINDING[operator.text])
                left = self.made(operator, partial(_combined, operator.text, left, right))
            elif floor < PRODUCT and self.side_by_side():
                right = self.sum(PRODUCT)
                left = self.made(operator, partial(_combined, "*", left, right))
            else:
                return left

    def side_by_side(self) -> bool:
        """Whether a number stands directly before a name or a bracket, as in 2t."""
        number = self.tokens[self.at - 1]
        if number.kind != "number" or not (self.next.kind == "name" or self.next.text == "("):
            return False
        before = self.at - 2
        while before >= 0 and self.tokens[before].text in ("+", "-"):
            before -= 1
        if before >= 0 and self.tokens[before].text in ("/", "^"):
            sign, word = self.tokens[before].text, number.text + self.next.text
            raise self.error(self.next, f"'{sign}{word}' may be read in two ways",
                             f"{sign}({number.text}*{self.next.text}...) or (...{sign}{number.text})*{self.next.text}")
        return True

    def nested(self, floor: int) -> Expr:
        """As ``sum``, one level deeper."""
        self.depth += 1
        if self.depth > MOST_DEEP:
            raise self.error(self.next, "it is nested too deeply", f"at most {MOST_DEEP} levels")
        result = self.sum(floor)
        self.depth -= 1
        return result

    def atom(self) -> Expr:
        token = self.next
        self.at += 1
        if token.kind == "number":
            return self.made(token, lambda: nodes.checked(fraction(token.text)))
        if token.kind == "name":
            return self.name(token)
        if token.text == "+":
            return self.nested(SIGNED)
        if token.text == "-":
            inner = self.nested(SIGNED)
            return self.made(token, lambda: nodes.built(lambda x: -x, inner))
        if token.text == "(":
            result = self.nested(0)
            self.close(token, ")")
            return result
        if token.text == "|":
            inner = self.nested(0)
            self.close(token, "|")
            return self.made(token, lambda: nodes.call("abs", [inner]))
        raise self.missing(token)

    def missing(self, token: Token) -> UserError:
        if token.kind == "end":
            return self.error(token, "something is missing at its end", "a number, a name or a bracket")
        if token.text == ")" and self.at > 1 and self.tokens[self.at - 2].text == "(":
            return self.error(token, "nothing between '(' and ')'")
        return self.error(token, f"something is missing before '{token.text}'", "a number, a name or a bracket")

    def close(self, opened: Token, sign: str) -> None:
        if self.take(sign):
            return
        if self.next.kind == "end":
            raise self.error(opened, f"'{opened.text}' is never closed", f"a '{sign}'")
        if self.next.kind == "sign":
            raise self.error(self.next, f"unexpected '{self.next.text}'", f"an operator or '{sign}'")
        raise self.error(self.next, f"an operator is missing before '{self.next.text}'")

    def name(self, token: Token) -> Expr:
        name = ALIASES.get(token.text, token.text)
        called = self.next.text == "("
        if token.text in self.names or token.text in CONSTANTS:
            if called:
                raise self.error(token, f"'{token.text}' is not a function", f"{token.text}*(...)")
            return self.names[token.text] if token.text in self.names else CONSTANTS[token.text]
        if name not in FUNCTIONS:
            raise self.unknown(token)
        if not called:
            raise self.error(token, f"'{token.text}' is a function", f"{token.text}(...)")
        arguments = self.arguments()
        least = 2 if name in VARIADIC else 1
        if len(arguments) < least or (len(arguments) > 1 and name not in VARIADIC):
            takes = "2 arguments or more" if least == 2 else "1 argument"
            raise self.error(token, f"{token.text} takes {takes}, {len(arguments)} given")
        return self.made(token, lambda: nodes.call(name, arguments))

    def arguments(self) -> list[Expr]:
        opened = self.next
        self.at += 1
        if self.take(")"):
            return []
        found = [self.nested(0)]
        while self.take(","):
            found.append(self.nested(0))
        self.close(opened, ")")
        return found

    def unknown(self, token: Token) -> UserError:
        name = token.text
        if name in ("oo", "inf", "infinity"):
            return self.error(token, "a formula has no infinity")
        if name in MEANING or name == "x":
            if self.symbol is None:
                return self.error(token, f"a number is wanted, and '{name}' is a variable", "such as pi/2")
            meaning = f"'{name}' is {MEANING[name]}"
            return self.error(token, f"this formula is in {self.symbol.name}; {meaning}",
                              f"a formula in {self.symbol.name} ({LETTERS})")
        names = {*self.names, *CONSTANTS, *FUNCTIONS}
        hint = did_you_mean(name, names | {*ALIASES})
        return self.error(token, f"unknown name '{name if len(name) <= 30 else name[:30] + '...'}'",
                          hint if hint.startswith("did") else did_you_mean("", names))


def _combined(operator: str, left: Expr, right: Expr) -> Expr:
    if operator == "^":
        return nodes.power(left, right)
    if operator == "/":
        return nodes.quotient(left, right)
    if operator == "*":
        return nodes.built(lambda a, b: a * b, left, right)
    return nodes.built(lambda a, b: a + b, left, right if operator == "+" else -right)
