"""`fit --json`: one object, hugeresv-fit/1."""

import json
from typing import TextIO

from hugeresv.fitting.forecast import Forecast, Obstacle
from hugeresv.fitting.remedy import Remedy, remedies_of

SCHEMA = "hugeresv-fit/1"


def write_fit(stream: TextIO, forecast: Forecast, pid: int | None, mount: str | None) -> None:
    """Write it. Bytes of a name that are no UTF-8 are escaped as the lone surrogates that Python reads them as."""
    trial, situation = forecast.trial, forecast.situation
    pool, request = situation.pool, situation.request
    sizes = request.sizes or tuple(pages * situation.page_bytes for pages in request.pages)
    document = {
        "schema": SCHEMA,
        "kernel": situation.release,
        "behaviour": situation.behaviour.name,
        "request": {
            "size_bytes": sum(sizes),
            "sizes_bytes": sizes,
            "page_size_kB": pool.page_size_kB,
            "pages": request.total,
            "type": request.what,
            "noreserve": request.noreserve,
            "mount": mount,
            "pid": pid,
            "cgroup": situation.cgroups[0].use.path if situation.cgroups else None,
            "nodes": sorted(situation.nodes) if situation.pool.nodes else [],
        },
        "pool": {
            "total": pool.total,
            "free": pool.free,
            "rsvd": pool.rsvd,
            "surp": pool.surp,
            "overcommit": pool.overcommit,
        },
        "fits": forecast.fits,
        "call": trial.call,
        "outcome": trial.outcome,
        "mapping": trial.mapping,
        "page": trial.page,
        "surplus_pages": trial.surplus_pages,
        "limits": [
            _limit(obstacle, remedy) for obstacle, remedy in zip(forecast.obstacles, remedies_of(forecast), strict=True)
        ],
        "fits_after": forecast.possible,
        "costs": list(forecast.costs),
        "notes": list(forecast.notes),
    }
    json.dump(document, stream, indent=2)
    stream.write("\n")


def _limit(obstacle: Obstacle, remedy: Remedy) -> dict[str, object]:
    of_pages = remedy.unit == "pages"
    return {
        "code": remedy.code,
        "text": remedy.text,
        "call": obstacle.trial.call,
        "outcome": obstacle.trial.outcome,
        "mapping": obstacle.trial.mapping,
        "page": obstacle.trial.page,
        "have_pages": remedy.have if of_pages else None,
        "need_pages": remedy.need if of_pages else None,
        "have": remedy.have,
        "need": remedy.need,
        "unit": remedy.unit,
        "command": remedy.command,
    }
