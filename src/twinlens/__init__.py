"""One-shot verification with Siamese networks: learn it, know how good it is, use it."""

__version__ = "0.1.0"
