"""Gauges with what is theirs: labels that are fit for a database, pages and bytes, no two series of the same labels."""

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from hugeresv.reports.printable import one_line

_LONGEST_LABEL = 256

Labels = tuple[str, ...]


def in_pages_and_bytes(
    name: str, text: str, labelnames: Labels, values: Iterable[tuple[Labels, float]]
) -> Iterator[Metric]:
    """A metric in pages, and the same in bytes. The first label is the page size."""
    pages = list(values)
    yield gauge(f"{name}_pages", f"Pages {text}.", labelnames, pages)
    yield gauge(f"{name}_bytes", f"Bytes {text}.", labelnames, [(each, value * int(each[0])) for each, value in pages])


def gauge(name: str, text: str, labelnames: Labels, values: Iterable[tuple[Labels, float]]) -> Metric:
    """A metric, the values of equal labels added up."""
    sums: dict[Labels, float] = {}
    for labels, value in values:
        cleaned = clean(labels)
        sums[cleaned] = sums.get(cleaned, 0) + value
    family = GaugeMetricFamily(f"hugeresv_{name}", text, labels=labelnames)
    for labels, value in sums.items():
        family.add_metric(labels, value)
    return family


def known(values: Iterable[tuple[Labels, int | None]]) -> list[tuple[Labels, float]]:
    """Without those that there are not: no limit is no series."""
    return [(labels, value) for labels, value in values if value is not None]


def clean(labels: Labels) -> Labels:
    """Names that strangers chose, as text that is valid UTF-8, printable, and not too long."""
    shown = (one_line(label) for label in labels)
    return tuple(f"{text[: _LONGEST_LABEL - 1]}+" if len(text) > _LONGEST_LABEL else text for text in shown)


def label_of_size(page_size_kB: int) -> str:
    """The label `pagesize`, in bytes."""
    return str(page_size_kB << 10)
