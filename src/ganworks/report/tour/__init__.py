"""The tour: the theory in the order of the five notes, every figure computed when it is built."""
