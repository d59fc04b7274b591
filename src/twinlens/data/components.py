"""What pairs join: the graphs of subjects and of samples, and their connected components."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, csr_array, triu
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


def told_apart(codes: IntArray, first: IntArray, second: IntArray) -> tuple[IntArray, IntArray]:
    """Every two samples whose subjects are said to be different.

    Args:
        codes: int64 ``(n,)``, the subject of each sample.
        first: int64 ``(m,)`` subjects, each of which differs from that
        second: int64 ``(m,)`` at its place.

    Returns:
        Positions of the first and of the second samples, the smaller one first, each two once and in order.
    """
    size = 1 + max(array.max(initial=-1) for array in (codes, first, second))
    shows = coo_array((np.ones(len(codes)), (np.arange(len(codes)), codes)), shape=(len(codes), size)).tocsr()
    differ = coo_array((np.ones(len(first)), (first, second)), shape=(size, size)).tocsr()
    both = triu(shows @ (differ + differ.T) @ shows.T, 1, format="csr")
    both.sort_indices()
    rows, columns = both.nonzero()
    return rows.astype(np.int64), columns.astype(np.int64)
