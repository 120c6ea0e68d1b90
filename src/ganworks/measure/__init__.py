"""Distances between distributions, and what games do with them."""
