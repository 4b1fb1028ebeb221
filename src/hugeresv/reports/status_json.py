"""`status --json`: one object, hugeresv-status/1."""

import json
from typing import Any, TextIO

from hugeresv.ledger.observation import Holder, Pool
from hugeresv.status.host import Status

SCHEMA = "hugeresv-status/1"


def write_status(stream: TextIO, status: Status) -> None:
    """Write it. Bytes of a name that are no UTF-8 are escaped as the lone surrogates that Python reads them as."""
    json.dump(status_document(status), stream, indent=2)
    stream.write("\n")


def status_document(status: Status) -> dict[str, Any]:
    """The object."""
    seen = status.observation
    return {
        "schema": SCHEMA,
        **status.identity._asdict(),
        "pools": [_pool(pool) for pool in seen.pools],
        "holders": [_holder(holder) for holder in seen.holders],
        "unexplained": [
            {key: value for key, value in row._asdict().items() if key != "possible_pages"}
            for row in status.unexplained
        ],
        "unreadable": [{"what": each.what, "why": each.why} for each in seen.unreadable],
        "mounts": [
            {
                "path": mount.path,
                "size_pages": mount.size_pages,
                "min_size_pages": mount.min_size_pages,
                "used_pages": mount.used_pages,
            }
            for mount in seen.mounts
        ],
        "cgroups": [
            {
                "path": cgroup.path,
                "max_pages": cgroup.max_pages,
                "rsvd_max_pages": cgroup.rsvd_max_pages,
                "usage_pages": cgroup.usage_pages,
                "rsvd_pages": cgroup.rsvd_pages,
            }
            for cgroup in seen.cgroups
        ],
        "warnings": [{"code": warning.code, "text": warning.text} for warning in status.warnings],
    }


def _pool(pool: Pool) -> dict[str, Any]:
    return {
        "page_size_kB": pool.page_size_kB,
        "total": pool.total,
        "free": pool.free,
        "rsvd": pool.rsvd,
        "surp": pool.surp,
        "overcommit": pool.overcommit,
        "available": pool.available,
        "nodes": [node._asdict() for node in pool.nodes],
    }


def _holder(holder: Holder) -> dict[str, Any]:
    return {
        "page_size_kB": holder.page_size_kB,
        "kind": holder.kind,
        "name": holder.name,
        "reserved_pages": holder.reserved.best,
        "used_pages": holder.used.best,
        "reserved_pages_min": holder.reserved.min,
        "reserved_pages_max": holder.reserved.max,
        "mappings": [mapping._asdict() for mapping in holder.mappings],
        "processes": [process._asdict() for process in holder.processes],
        "cgroup": holder.cgroup,
    }
