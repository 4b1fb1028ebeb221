"""`hugeresv audit` for people: the ledger, then, for every page size, whether it is true."""

from hugeresv.auditing.audit import Audit, PageSizeAudit
from hugeresv.plain import agree, are, count_of
from hugeresv.reports.holders import Shown
from hugeresv.reports.screen import Screen
from hugeresv.reports.status import show_status
from hugeresv.units import format_bytes


def show_audit(screen: Screen, audit: Audit) -> None:
    """Write all of it."""
    screen.paragraph(f"Linux {audit.status.identity.kernel} of {audit.status.identity.host}", bold=True)
    screen.line()
    show_status(screen, audit.status, Shown())
    for page_size in audit.page_sizes:
        screen.line()
        _page_size(screen, page_size)
    _reaches(screen, audit)


def _reaches(screen: Screen, audit: Audit) -> None:
    """Who cannot have pages of every node, and how many are free where it can."""
    every = {nid for hstate in audit.hstates for nid in hstate.nodes}
    bound = [each for each in audit.reaches if set(each.nodes) != every]
    if bound:
        screen.line()
        screen.line("Bound to nodes, by cpuset or policy:")
    for each in bound:
        who = f"{each.process.pid} ({each.process.command})"
        if each.vma is not None:
            who = f"the mapping of {who} at {each.vma.vm_start:#x}-{each.vma.vm_end:#x}"
        free = each.free(audit.hstates)
        pages = ", ".join(f"{count_of(number, f'free {format_bytes(size)} page')}" for size, number in free.items())
        where = f"{agree(len(each.nodes), 'node', 'nodes')} {', '.join(map(str, each.nodes))}"
        screen.paragraph(f"{who}: {where}, which {agree(len(each.nodes), 'has', 'have')} {pages}", "    ", first="  ")


def _page_size(screen: Screen, audit: PageSizeAudit) -> None:
    size = format_bytes(audit.page_size_kB << 10)
    if not audit.violations:
        screen.paragraph(
            f"{size} pages: the ledger is true. resv_huge_pages is {audit.resv}, and the promises add up to it.",
            fg="green",
        )
        return
    screen.paragraph(f"{size} pages: the ledger is not true.", fg="red")
    for violation in audit.violations:
        screen.paragraph(str(violation), "    ", first="  ! ", fg="red")
    if audit.lost:
        _lost(screen, audit)


def _lost(screen: Screen, audit: PageSizeAudit) -> None:
    """Who has lost what, and whether that is all."""
    screen.line()
    screen.line("  These mappings lost their reservations, which are still counted (a partial mremap does that):")
    for lost in audit.lost:
        screen.paragraph(f"{lost.pages:+d} {lost}", "      ", first="    ")
    rest = audit.resv - audit.promised
    found = sum(lost.pages for lost in audit.lost)
    if found == rest:
        screen.line(f"  That accounts for {agree(rest, 'the page', f'all {rest} pages')} counted too many.")
    else:
        screen.paragraph(f"That is {count_of(found, 'page')} of the {rest} that {are(rest)} counted too many.", "  ")
