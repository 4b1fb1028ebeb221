"""`status --json`: one object, hugeresv-status/1."""

import json
from collections.abc import Iterator
from typing import Any, TextIO

from hugeresv.holders.finding import Finding
from hugeresv.holders.grouping import GroupSum, sums
from hugeresv.holders.headroom import available_in, by_path, lineage_of
from hugeresv.holders.host import Status
from hugeresv.ledger.observation import Holder, PoolUse

SCHEMA = "hugeresv-status/1"
ASSUMED = "the kernel counts right"
"""What the bounds of holders rest on, where counters have narrowed them."""


def write_status(stream: TextIO, status: Status, by: str | None = None) -> None:
    """Write it, with sums if asked for.

    Bytes of a name that are no UTF-8 are escaped as the lone surrogates that Python reads them as.
    """
    document = status_document(status)
    if by is not None:
        document |= {"by": by, "sums": [_sum(each) for each in sums(status.observation.holders, by)]}
    json.dump(document, stream, indent=2)
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
            {
                "page_size_kB": row.page_size_kB,
                "reserved_pages": row.reserved_pages,
                "used_pages": row.used_pages,
                "reserved_pages_certain": row.certain_reserved_pages,
                "used_pages_certain": row.certain_used_pages,
            }
            for row in status.unexplained
        ],
        "steady": seen.steady,
        "assumed": ASSUMED if any(holder.assumed for holder in seen.holders) else None,
        "unreadable": [{"what": each.what, "why": each.why, "settle": each.settle} for each in seen.unreadable],
        "suspects": [each._asdict() for each in seen.suspects],
        "mounts": [
            {
                "path": mount.path,
                "size_pages": mount.size_pages,
                "min_size_pages": mount.min_size_pages,
                "used_pages": mount.used_pages,
            }
            for mount in seen.mounts
        ],
        "cgroups": list(_cgroups(status)),
        "warnings": [_finding(each) for each in status.warnings if not each.note],
        "notes": [_finding(each) for each in status.warnings if each.note],
    }


def _cgroups(status: Status) -> Iterator[dict[str, Any]]:
    """What was charged to a cgroup and has no visible holder in it is null where the kernel does not count it."""
    pools = {pool.page_size_kB: pool for pool in status.observation.pools}
    rests = {(rest.path, rest.page_size_kB): rest for rest in status.cgroup_rests}
    index = by_path(status.observation.cgroups)
    for cgroup in status.observation.cgroups:
        rest = rests.get((cgroup.path, cgroup.page_size_kB))
        usage, rsvd = (rest.usage, rest.rsvd or (None, None)) if rest else ((None, None), (None, None))
        yield {
            "path": cgroup.path,
            "page_size_kB": cgroup.page_size_kB,
            "max_pages": cgroup.max_pages,
            "rsvd_max_pages": cgroup.rsvd_max_pages,
            "usage_pages": cgroup.usage_pages,
            "rsvd_pages": cgroup.rsvd_pages,
            "available_pages": available_in(lineage_of(cgroup, index), pools[cgroup.page_size_kB]),
            "unaccounted_usage_pages_min": usage[0],
            "unaccounted_usage_pages_max": usage[1],
            "unaccounted_rsvd_pages_min": rsvd[0],
            "unaccounted_rsvd_pages_max": rsvd[1],
        }


def _finding(finding: Finding) -> dict[str, Any]:
    return {"code": finding.code, "text": finding.text, "remedy": finding.remedy, "command": finding.command}


def _sum(each: GroupSum) -> dict[str, Any]:
    return {
        "page_size_kB": each.page_size_kB,
        "key": each.key,
        "detail": each.detail,
        "reserved_pages": each.reserved.best,
        "used_pages": each.used.best,
        "reserved_pages_min": each.reserved.min,
        "reserved_pages_max": each.reserved.max,
        "used_pages_min": each.used.min,
        "used_pages_max": each.used.max,
        "shared_pages": each.shared_pages,
    }


def _pool(pool: PoolUse) -> dict[str, Any]:
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
        "used_pages_min": holder.used.min,
        "used_pages_max": holder.used.max,
        "mappings": [mapping._asdict() for mapping in holder.mappings],
        "processes": [process._asdict() for process in holder.processes],
        "cgroup": holder.cgroup,
    }
