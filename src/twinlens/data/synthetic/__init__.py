"""Procedural portraits: made-up people with made-up photos, for tests, examples and trials without data.

No photo of a real person is involved. The portraits are never quoted as a result.
"""

from twinlens.data.synthetic.album import synthetic_dataset

__all__ = ["synthetic_dataset"]
