import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from twinlens.serving.service.batching import BatchingEncoder
from twinlens.types import Encoder, Float32Array, UInt8Array


class Sums:
    """Embeds a crop as the sum of its pixels, and remembers how many came at once."""

    def __init__(self, seconds: float = 0) -> None:
        self.seconds = seconds
        self.sizes: list[int] = []

    def __call__(self, crops: UInt8Array) -> Float32Array:
        time.sleep(self.seconds)
        self.sizes.append(len(crops))
        if (crops == 255).any():
            raise ValueError("white")
        return crops.reshape(len(crops), -1).sum(axis=1, keepdims=True).astype(np.float32)


@pytest.fixture
def sums() -> Sums:
    return Sums(seconds=0.02)


@pytest.fixture
def batching(sums: Sums) -> Iterator[BatchingEncoder]:
    encoder = BatchingEncoder(sums, wait=0.05)
    yield encoder
    encoder.close()


def crops(*values: int) -> UInt8Array:
    return np.array(values, np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)


def test_it_is_an_encoder(batching: BatchingEncoder) -> None:
    assert isinstance(batching, Encoder)


def test_everybody_gets_what_is_theirs_and_most_are_embedded_together(batching: BatchingEncoder, sums: Sums) -> None:
    asked = [crops(*range(start, start + 1 + start % 3)) for start in range(60)]
    with ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(batching, asked))
    for question, answer in zip(asked, answers, strict=True):
        np.testing.assert_array_equal(answer, question.reshape(len(question), -1).sum(axis=1, keepdims=True))
    assert sum(sums.sizes) == sum(map(len, asked))
    assert len(sums.sizes) < 15
    assert max(sums.sizes) <= 64


def test_no_inference_has_more_crops_than_allowed() -> None:
    sums, seen = Sums(seconds=0.01), []
    encoder = BatchingEncoder(sums, wait=0.05, most=5, observe=seen.append)
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(encoder, [crops(1, 2)] * 20))
    assert max(sums.sizes) <= 5
    assert seen == sums.sizes
    many = encoder(crops(*range(9)))
    assert len(many) == 9
    encoder.close()


def test_one_that_fails_fails_alone(batching: BatchingEncoder) -> None:
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(batching, crops(255 if i == 3 else i)) for i in range(8)]
    assert [type(future.exception()) for future in futures] == [ValueError if i == 3 else type(None) for i in range(8)]


def test_crops_of_another_shape_do_not_spoil_the_others(batching: BatchingEncoder) -> None:
    with ThreadPoolExecutor(2) as pool:
        well, odd = pool.submit(batching, crops(7)), pool.submit(batching, np.ones((1, 3, 3, 1), np.uint8))
        assert well.result()[0, 0] == 28
        assert odd.result()[0, 0] == 9


def test_who_comes_alone_hardly_waits() -> None:
    encoder = BatchingEncoder(Sums(), wait=0.01)
    start = time.perf_counter()
    encoder(crops(1))
    assert time.perf_counter() - start < 0.2
    encoder.close()


def test_closing_finishes_what_was_asked_for() -> None:
    encoder, answers = BatchingEncoder(Sums(seconds=0.05), wait=0.001), []
    threads = [threading.Thread(target=lambda: answers.append(encoder(crops(1)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    while encoder._orders.empty() and not answers:
        time.sleep(0.001)
    time.sleep(0.02)
    encoder.close()
    for thread in threads:
        thread.join(1)
    assert len(answers) == 4
