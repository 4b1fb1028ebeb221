"""`fit` for a person: the answer first, then why, then what to do."""

from hugeresv.fit.fit import Fit
from hugeresv.fit.trial import Trial
from hugeresv.reports.listing import one_line
from hugeresv.reports.screen import Screen
from hugeresv.units import format_bytes


def show_fit(screen: Screen, fit: Fit) -> None:
    """Write it."""
    screen.paragraph(_verdict(fit), bold=True, fg="green" if fit.fits else "red")
    pages = fit.answer.changed.surplus_pages
    if pages and fit.fits:
        screen.paragraph(_surplus(fit, pages))
    for remedy in fit.remedies:
        screen.line()
        screen.paragraph(f"{one_line(remedy.text)}.")
        screen.line(f"  {one_line(remedy.command)}")
    if fit.remedies:
        screen.line()
        screen.paragraph(f"With {'this change' if len(fit.remedies) == 1 else 'these changes'} it fits.")
        if pages:
            screen.paragraph(_surplus(fit, pages))
    if fit.notes:
        screen.line()
    for note in fit.notes:
        screen.paragraph(f"Note: {one_line(note)}.", "  ", first="", fg="yellow")


def _verdict(fit: Fit) -> str:
    pages = _pages(fit.request.pages, fit)
    if fit.fits:
        return f"Fits: {pages}."
    return f"Does not fit: {pages}. {failure(fit.answer.trial, fit.page_bytes)}"


def failure(trial: Trial, page_bytes: int) -> str:
    """Where it fails."""
    if trial.page is None:
        return f"{trial.call} fails with {trial.outcome}."
    done = f"{trial.page} pages ({format_bytes(trial.page * page_bytes)})"
    return f"The mapping is made, but the touch after {done} is {trial.outcome}."


def _pages(pages: int, fit: Fit) -> str:
    return f"{pages} {'page' if pages == 1 else 'pages'} of {format_bytes(fit.page_bytes)}"


def _surplus(fit: Fit, pages: int) -> str:
    return (
        f"{_pages(pages, fit)} of these are not in the pool: overcommit must find "
        f"{format_bytes(pages * fit.page_bytes)} in free memory at that moment."
    )
