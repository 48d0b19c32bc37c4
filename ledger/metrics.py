"""Counters of a process, and the port of their own on which Prometheus reads them.

Counting is adding to a plain number, as the paths that count are hot; Prometheus's forms
are made when it asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from aiohttp import web
    from prometheus_client.core import Metric

LATENCY_BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3)


@attrs.define
class Counter:
    """Something counted, by the value of one label.

    Attributes:
        name: As Prometheus knows it, without ``_total``.
        values: How often, by the label's value.
    """

    name: str
    meaning: str
    label: str
    values: dict[str, int] = attrs.Factory(lambda: defaultdict(int))


@attrs.define
class Latency:
    """How long something took, in seconds, by buckets."""

    name: str
    meaning: str
    counts: list[int] = attrs.Factory(lambda: [0] * (len(LATENCY_BOUNDS_S) + 1))
    total_s: float = 0.0

    def note(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(LATENCY_BOUNDS_S, seconds)] += 1
        self.total_s += seconds


@attrs.define
class Gauge:
    """Something that is asked for when it is read."""

    name: str
    meaning: str
    ask: Callable[[], float]


class Metrics:
    """What a process shows of itself."""

    def __init__(self, *shown: Counter | Latency | Gauge) -> None:
        self._shown = list(shown)

    def show(self, *more: Counter | Latency | Gauge) -> None:
        """Show *more* from now on."""
        self._shown += more

    def collect(self) -> Iterator[Metric]:
        """Yield each in Prometheus's form."""
        for each in self._shown:
            yield _FORMS[type(each)](each)

    def text(self) -> bytes:
        """Return all of them in Prometheus's text format."""
        # Imported here: it costs 70 ms, and only who serves metrics needs it.
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415

        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)


async def serve(metrics: Metrics, *, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Serve ``/metrics``; return what to clean up, and the port.

    Args:
        port: 0 takes a free one.

    Raises:
        OSError: The port is taken.
    """
    # Imported here: who only counts, such as a command, need not wait 100 ms for it.
    from aiohttp import web  # noqa: PLC0415

    async def show(_request: web.Request) -> web.Response:
        return web.Response(
            body=metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"}
        )

    app = web.Application()
    app.router.add_get("/metrics", show)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    return runner, site.port


def _counter(counter: Counter) -> Metric:
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415 - see `text`

    family = CounterMetricFamily(counter.name, counter.meaning, labels=[counter.label])
    for value, count in counter.values.items():
        family.add_metric([value], count)
    return family


def _latency(latency: Latency) -> Metric:
    from prometheus_client.core import HistogramMetricFamily  # noqa: PLC0415 - see `text`

    family = HistogramMetricFamily(latency.name, latency.meaning)
    below, buckets = 0, []
    for bound, count in zip((*LATENCY_BOUNDS_S, "+Inf"), latency.counts, strict=True):
        below += count
        buckets.append((str(bound), float(below)))
    family.add_metric([], buckets, latency.total_s)
    return family


def _gauge(gauge: Gauge) -> Metric:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - see `text`

    return GaugeMetricFamily(gauge.name, gauge.meaning, value=gauge.ask())


_FORMS: Final[Mapping[type, Callable[..., Metric]]] = {
    Counter: _counter,
    Latency: _latency,
    Gauge: _gauge,
}
