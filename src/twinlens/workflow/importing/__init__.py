"""Bundles from networks that were trained elsewhere.

:mod:`network` reads a file in ONNX and refuses what cannot be used, :mod:`pixels` puts in front of it what it wants of
the pixels, :mod:`wrapped` tries the result, and :mod:`job` calibrates it. :mod:`dlib_resnet` makes such a file of
dlib's network for faces.
"""

from twinlens.workflow.importing.job import Declaration, import_model

__all__ = ["Declaration", "import_model"]
