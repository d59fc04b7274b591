"""A small model, photos that it tells apart, and a service that runs on both."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from twinlens.bundle import Bundle, Manifest, Training, write_bundle
from twinlens.comparison import Cosine
from twinlens.config import Frame
from twinlens.serving.encoder import load_encoder
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.service.app import build_app
from twinlens.serving.service.batching import BatchingEncoder
from twinlens.serving.service.keys import Keyring, Scope
from twinlens.serving.service.settings import ServiceSettings
from twinlens.serving.verifier import Verifier
from twinlens.types import Calibration, Interval, OperatingPoint

FRAME = Frame(height=16, width=16)
DIM = 32


def small_bundle(folder: Path, *, faces: bool = False) -> Bundle:
    """A bundle whose network projects the crop; with ``faces`` it looks for one in each photo."""
    weights = np.random.default_rng(0).normal(0, 0.1, (256, DIM)).astype(np.float32)
    mean = numpy_helper.from_array(np.array([127.5], np.float32), "mean")
    nodes = [
        helper.make_node("Cast", ["crops"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["floats", "mean"], ["centred"]),
        helper.make_node("Flatten", ["centred"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["embeddings"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("crops", TensorProto.UINT8, ["n", *FRAME.shape])],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["n", DIM])],
        [numpy_helper.from_array(weights, "weights"), mean],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return write_bundle(folder, model.SerializeToString(), _manifest(faces=faces))


def _manifest(*, faces: bool) -> Manifest:
    points = tuple(
        OperatingPoint(fmr, Interval(threshold, threshold, threshold, "made"), 10**9, fmr * 10**9, supported=True)
        for fmr, threshold in [(0.1, 0.4), (0.01, 0.5), (1e-3, 0.6), (1e-4, 0.7), (1e-6, 0.8)]
    )
    training = Training(
        recipe="small",
        dataset="lfw" if faces else "drawn",
        protocol="none",
        setting="identities",
        outside_data="none",
        leaks=False,
        synthetic=True,
        seed=0,
        commit="0",
        seen=(),
    )
    return Manifest(
        name="small",
        frame=FRAME,
        dim=DIM,
        comparison=Cosine(),
        threshold=0.5,
        calibration=Calibration(slope=12, intercept=-6, genuine_pairs=1000, impostor_pairs=10**6),
        operating_points=points,
        training=training,
    )


def photo(subject: int, take: int = 0, form: str = "PNG") -> bytes:
    """A picture of a pattern of its own for each subject, a little different in each take."""
    pattern = np.random.default_rng(subject).integers(40, 216, (16, 16))
    noise = np.random.default_rng([subject, take]).integers(-20, 21, (16, 16))
    buffer = io.BytesIO()
    Image.fromarray((pattern + noise).astype(np.uint8)).resize((64, 64), 0).convert("RGB").save(buffer, form)
    return buffer.getvalue()


class Client:
    """Calls an application in one event loop, as a program at ``address`` on this machine would."""

    def __init__(self, app: FastAPI, portal: BlockingPortal, address: str = "127.0.0.1") -> None:
        self.app = app
        self.portal = portal
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 5000))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """What is answered."""

        async def ask() -> httpx.Response:
            return await self._client.request(method, path, **options)

        return self.portal.call(ask)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)


@dataclass
class Made:
    """A service and how to reach it."""

    app: FastAPI
    client: "Client"
    keyring: Keyring
    gallery: Gallery
    verifier: Verifier

    def with_key(self, *scopes: Scope) -> dict[str, str]:
        """Headers with a new key."""
        key = self.keyring.create(f"key{len(self.keyring.listed())}", scopes)
        return {"Authorization": f"Bearer {key}"}


@contextmanager
def service(folder: Path, *, faces: bool = False, **changed: object) -> Iterator[Made]:
    """A service without keys, for programs on this machine."""
    bundle = small_bundle(folder / "bundle", faces=faces)
    values: dict[str, object] = {"keys": folder / "keys.json", "rate": 1e6, "burst": 10**6, "batch_wait": 0.0}
    settings = ServiceSettings(**(values | changed))
    encoder = BatchingEncoder(load_encoder(bundle, 1), wait=settings.batch_wait)
    verifier = Verifier(bundle, encoder, settings.photo_limits)
    with Gallery.open(folder / "gallery.db", verifier, create=True) as gallery:
        app = build_app(settings, verifier, gallery)
        with start_blocking_portal() as portal:
            yield Made(app, Client(app, portal), Keyring(settings.keys), gallery, verifier)
        app.state.service.workers.close()
    encoder.close()


def upload(**photos: bytes) -> list[tuple[str, tuple[str, bytes, str]]]:
    """Photos as files of a form."""
    return [(name, (f"{name}.png", content, "image/png")) for name, content in photos.items()]
