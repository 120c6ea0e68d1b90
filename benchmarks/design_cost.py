"""What a compiled objective function costs: a loss and its gradient against the same loss written by hand.

    python benchmarks/design_cost.py     # a minute on one thread

The two take turns within one process; a ratio is formed turn by turn, and the table shows the median of the ratios.
"exp, guarded" is exp as one writes it by hand where float32 must not overflow: the argument is clamped.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import sympy
import torch
from racing import machine
from torch import Tensor
from torch.nn import functional

from ganworks.design.evaluate import function_of
from ganworks.design.symbols import V
from ganworks.design.torchfunction import Exact, compile_function

R = sympy.exp(-V)
CASES: dict[str, tuple[sympy.Expr, Callable[[Tensor], Tensor]]] = {
    "softplus(v)": (sympy.log(1 + sympy.exp(V)), lambda v: functional.softplus(v, threshold=80.0)),
    "log 2 - softplus(-v)": (sympy.log(2) - sympy.log(1 + R), lambda v: 0.6931471805599453 - functional.softplus(-v)),
    "(v - 1)^2 / 2": ((V - 1) ** 2 / 2, lambda v: 0.5 * (v - 1).square()),
    "max(0, 1 - v)": (sympy.Max(0, 1 - V), lambda v: torch.relu(1 - v)),
    "exp(v/2)": (sympy.exp(V / 2), lambda v: torch.exp(0.5 * v)),
    "exp(v), bare": (sympy.exp(V), torch.exp),
    "exp(v), guarded": (sympy.exp(V), lambda v: torch.exp(v.clamp(max=88.0))),
    "exp(2v)/2, guarded": (sympy.exp(2 * V) / 2, lambda v: 0.5 * torch.exp(2 * v.clamp(max=44.0))),
    "4 sigmoid(v)^2": (4 / (1 + R) ** 2, lambda v: 4 * torch.sigmoid(v).square()),
    "tanh(v/2)": (sympy.tanh(V / 2), lambda v: torch.tanh(0.5 * v)),
    "1 - 4 sigmoid(-v)^2": (1 - 4 * R**2 / (1 + R) ** 2, lambda v: 1 - 4 * torch.sigmoid(-v).square()),
    "a table": (sympy.log(1 + R) - R / (1 + R), lambda v: functional.softplus(-v) - torch.sigmoid(-v)),
}


def seconds(function: Callable[[Tensor], Tensor], v: Tensor, times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        v.grad = None
        function(v).mean().backward()
    return (time.perf_counter() - began) / times


def main() -> None:
    torch.set_num_threads(1)
    print(machine())
    print(f"{'function':22} {'form':8} {'compile':>8}   {'64: by hand':>12} {'ratio':>6}   "
          f"{'65,536: by hand':>15} {'ratio':>6}")
    for name, (expr, by_hand) in CASES.items():
        value = function_of(expr, V)
        compile_function(Exact(value, expr, None, (1.0,) if "max" in name else ()))
        began = time.perf_counter()
        compiled = compile_function(Exact(value, expr, None, (1.0,) if "max" in name else ()))
        took = time.perf_counter() - began
        columns = []
        for size, times in ((64, 100), (65536, 4)):
            v = (3 * torch.randn(size)).requires_grad_()
            turns = [(seconds(compiled.function, v, times), seconds(by_hand, v, times)) for _ in range(42)][2:]
            ratio = statistics.median(mine / other for mine, other in turns)
            columns += [statistics.median(other for _, other in turns) * 1e6, ratio]
        print(f"{name:22} {compiled.form:8} {took * 1e3:5.0f} ms   {columns[0]:9.0f} us {columns[1]:6.2f}   "
              f"{columns[2]:12.0f} us {columns[3]:6.2f}", flush=True)


if __name__ == "__main__":
    main()
