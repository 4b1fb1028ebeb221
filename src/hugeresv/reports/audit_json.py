"""`audit --json`: one object, hugeresv-audit/1."""

import json
from typing import Any, TextIO

from hugeresv.auditing.audit import Audit, PageSizeAudit
from hugeresv.auditing.reach import NodeReach
from hugeresv.ledger.lost import LostReservation
from hugeresv.reports.status_json import status_document

SCHEMA = "hugeresv-audit/1"


def write_audit(stream: TextIO, audit: Audit) -> None:
    """Write it."""
    document = {
        "schema": SCHEMA,
        "true": audit.true,
        "page_sizes": [_page_size(each) for each in audit.page_sizes],
        "reach": [_reach(each, audit) for each in audit.reaches],
        "status": status_document(audit.status),
    }
    json.dump(document, stream, indent=2)
    stream.write("\n")


def _page_size(audit: PageSizeAudit) -> dict[str, Any]:
    return {
        "page_size_kB": audit.page_size_kB,
        "resv": audit.resv,
        "promised": audit.promised,
        "promises": [{"pages": promise.pages, "by": str(promise)} for promise in audit.promises],
        "lost": [_lost(each) for each in audit.lost],
        "violations": [{"name": each.name, "title": each.title, "message": each.message} for each in audit.violations],
    }


def _reach(reach: NodeReach, audit: Audit) -> dict[str, Any]:
    policy, vma = reach.policy, reach.vma
    return {
        "pid": reach.process.pid,
        "command": reach.process.command,
        "mapping": None if vma is None else [vma.vm_start, vma.vm_end],
        "cpu_node": reach.node,
        "mems": list(reach.mems),
        "policy": None if policy is None else {"mode": policy.mode, "nodes": list(policy.nodes)},
        "nodes": list(reach.nodes),
        "free_pages": {str(size >> 10): pages for size, pages in reach.free(audit.hstates).items()},
    }


def _lost(lost: LostReservation) -> dict[str, Any]:
    return {
        "pid": lost.process.pid,
        "command": lost.process.command,
        "start": lost.vma.vm_start,
        "end": lost.vma.vm_end,
        "pages": lost.pages,
        "ranges": [list(each) for each in lost.ranges],
        "certain": lost.certain,
    }
