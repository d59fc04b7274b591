"""What pairs join: the graphs of subjects and of samples, and their connected components."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from twinlens.types import IntArray, Pairs


def subject_components(pairs: Pairs, subject_codes: IntArray) -> tuple[csr_array, IntArray]:
    """The graph of the subjects that the pairs join, and the number of each subject's connected component.

    Returns:
        The adjacency over subject codes, and int64 ``(subjects,)``; a subject without a pair is alone.
    """
    edges = (subject_codes[pairs.first], subject_codes[pairs.second])
    size = int(subject_codes.max(initial=-1)) + 1
    graph = coo_array((np.ones(len(pairs)), edges), shape=(size, size)).tocsr()
    return graph, connected_components(graph, directed=False)[1].astype(np.int64)


def sample_components(pairs: Pairs, n: int) -> IntArray:
    """Who is who as far as pairs tell: the number of each sample's connected component under the genuine ones.

    Where names may not be used this stands for the subject; one whom no pair joins counts as two.

    Args:
        pairs: Indices below ``n``.
        n: Number of samples.

    Returns:
        int64 ``(n,)``; a sample without a genuine pair is alone.
    """
    genuine = pairs[pairs.is_genuine]
    graph = coo_array((np.ones(len(genuine)), (genuine.first, genuine.second)), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)
