"""`fit --json`: one object, hugeresv-fit/1."""

import json
from typing import TextIO

from hugeresv.fit.fit import Fit

SCHEMA = "hugeresv-fit/1"


def write_fit(stream: TextIO, fit: Fit) -> None:
    """Write it. Bytes of a name that are no UTF-8 are escaped as the lone surrogates that Python reads them as."""
    trial, host = fit.answer.trial, fit.host
    pool = host.situation.pool
    document = {
        "schema": SCHEMA,
        "kernel": host.release,
        "behaviour": host.behaviour.name,
        "request": {
            "size_bytes": fit.query.size_bytes,
            "page_size_kB": pool.page_size_kB,
            "pages": fit.request.pages,
            "type": fit.request.what,
            "noreserve": fit.request.noreserve,
            "mount": fit.query.mount,
            "pid": fit.query.pid,
            "cgroup": host.situation.cgroups[0].path if host.situation.cgroups else None,
            "nodes": sorted(host.nodes),
        },
        "pool": {
            "total": pool.total,
            "free": pool.free,
            "rsvd": pool.rsvd,
            "surp": pool.surp,
            "overcommit": pool.overcommit,
        },
        "fits": fit.fits,
        "call": trial.call,
        "outcome": trial.outcome,
        "page": trial.page,
        "surplus_pages": trial.surplus_pages,
        "limits": [
            {
                "code": remedy.code,
                "text": remedy.text,
                "call": obstacle.trial.call,
                "outcome": obstacle.trial.outcome,
                "page": obstacle.trial.page,
                "have_pages": remedy.have,
                "need_pages": remedy.need,
                "command": remedy.command,
            }
            for obstacle, remedy in zip(fit.answer.obstacles, fit.remedies, strict=True)
        ],
        "fits_after": fit.answer.changed.fits,
        "notes": list(fit.notes),
    }
    json.dump(document, stream, indent=2)
    stream.write("\n")
