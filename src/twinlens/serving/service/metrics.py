"""What Prometheus is told: counts and times, and nothing of whom."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_CROPS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The figures of one service, in a registry of its own.

    Attributes:
        batches: Crops of each inference.
        templates: Templates in the gallery, as they were counted last.
        subjects: Subjects in it.
    """

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "twinlens_requests", "Requests answered", ("route", "method", "status"), registry=registry
        )
        self._seconds = Histogram(
            "twinlens_request_seconds", "Time to the answer", ("route",), buckets=_SECONDS, registry=registry
        )
        self.batches = Histogram("twinlens_batch_crops", "Crops of an inference", buckets=_CROPS, registry=registry)
        self._in_flight = Gauge("twinlens_requests_in_flight", "Requests that are being answered", registry=registry)
        self.templates = Gauge("twinlens_gallery_templates", "Templates in the gallery", registry=registry)
        self.subjects = Gauge("twinlens_gallery_subjects", "Subjects in the gallery", registry=registry)

    def begin(self) -> None:
        """A request has come."""
        self._in_flight.inc()

    def end(self, route: str, method: str, status: int, seconds: float) -> None:
        """It was answered."""
        self._in_flight.dec()
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def shown(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self._registry)
