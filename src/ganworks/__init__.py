"""A workshop for generative adversarial networks: design, prove, train, diagnose, measure, ship."""

__version__ = "0.1.0"
