"""`fit` for a person: the answer first, then why, then what to do."""

from hugeresv.fit.fit import Fit
from hugeresv.fit.remedy import count
from hugeresv.fit.trial import Trial
from hugeresv.reports.listing import one_line
from hugeresv.reports.screen import Screen
from hugeresv.units import format_bytes


def show_fit(screen: Screen, fit: Fit) -> None:
    """Write it. Commands are whole lines, however long, to be copied."""
    asked = f"{count(fit.request.pages)} of {format_bytes(fit.page_bytes)}"
    if fit.fits:
        screen.paragraph(f"Fits: {asked}.", bold=True, fg="green")
        _surplus(screen, fit)
    else:
        screen.paragraph(f"Does not fit: {asked}. {_failure(fit.answer.trial)}.", bold=True, fg="red")
        _remedies(screen, fit)
    if fit.notes:
        screen.line()
    for note in fit.notes:
        screen.paragraph(f"Note: {one_line(note)}.", "  ", first="", fg="yellow")


def _remedies(screen: Screen, fit: Fit) -> None:
    screen.line()
    if not fit.remedies:
        screen.paragraph("No address space is that large.")
        return
    for number, (obstacle, remedy) in enumerate(zip(fit.answer.obstacles, fit.remedies, strict=True)):
        why = "Because" if number == 0 else f"Then {_failure(obstacle.trial, lower=True)}, because"
        screen.paragraph(f"{why} {one_line(remedy.text)}:")
        screen.line(f"  {one_line(remedy.command)}")
        screen.line()
    changes = "this change" if len(fit.remedies) == 1 else f"these {len(fit.remedies)} changes"
    screen.paragraph(f"With {changes} it fits{', if memory is made free for them' if fit.memory_short else ''}.")
    _surplus(screen, fit)


def _failure(trial: Trial, *, lower: bool = False) -> str:
    """Where it fails."""
    if trial.page is None:
        return f"{trial.call} fails with {trial.outcome}"
    touch = f"touching page {trial.page}, counted from 0, raises {trial.outcome}"
    return f"{'the' if lower else 'The'} mapping succeeds, but {touch}"


def _surplus(screen: Screen, fit: Fit) -> None:
    """What overcommit has to find."""
    pages = fit.answer.changed.surplus_pages
    if pages:
        screen.paragraph(
            f"{count(pages)} of these ({format_bytes(pages * fit.page_bytes)}) are not in the pool: overcommit must "
            "find them in free memory then."
        )
