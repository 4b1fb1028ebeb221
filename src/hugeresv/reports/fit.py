"""`fit` for a person: the answer first, then why, then what to do."""

from hugeresv.fitting.forecast import Forecast
from hugeresv.fitting.remedy import pages_of, remedies_of
from hugeresv.fitting.situation import What
from hugeresv.fitting.trial import Trial
from hugeresv.outcome import Outcome
from hugeresv.reports.printable import one_line
from hugeresv.reports.screen import Screen
from hugeresv.units import format_bytes


def show_fit(screen: Screen, forecast: Forecast) -> None:
    """Write it. Commands are whole lines, however long, to be copied."""
    situation = forecast.situation
    size = format_bytes(situation.page_bytes)
    *others, last = situation.request.pages
    asked = " + ".join([*map(str, others), pages_of(last)])
    if forecast.fits:
        screen.paragraph(f"Fits: {asked} of {size}. Every page is assumed to be touched.", bold=True, fg="green")
        _surplus(screen, forecast)
    else:
        failure = _failure(forecast, forecast.trial)
        screen.paragraph(f"Does not fit: {asked} of {size}. {failure}.", bold=True, fg="red")
        _remedies(screen, forecast)
    if forecast.costs or forecast.notes:
        screen.line()
    for cost in forecast.costs:
        screen.paragraph(f"It costs others: {one_line(cost)}.", "  ", first="", fg="yellow")
    for note in forecast.notes:
        screen.paragraph(f"Note: {one_line(note)}.", "  ", first="", fg="yellow")


def _remedies(screen: Screen, forecast: Forecast) -> None:
    screen.line()
    if not forecast.obstacles:
        screen.paragraph("No address space is that large.")
        return
    remedies = remedies_of(forecast)
    for number, (obstacle, remedy) in enumerate(zip(forecast.obstacles, remedies, strict=True)):
        then = f"Then {_failure(forecast, obstacle.trial, then=True)}: " if number else ""
        text = one_line(remedy.text)
        screen.paragraph(f"{then}{text}{'.' if remedy.command is None else ':'}")
        if remedy.command is not None:
            screen.line(f"  {one_line(remedy.command)}")
        screen.line()
    if not forecast.possible:
        screen.paragraph("Nothing makes it fit on this host.")
        return
    changes = "this change" if len(remedies) == 1 else f"these {len(remedies)} changes"
    short = ", if memory is made free for the pages" if forecast.memory_short else ""
    screen.paragraph(f"With {changes} it fits{short}.")
    _surplus(screen, forecast)


def _failure(forecast: Forecast, trial: Trial, *, then: bool = False) -> str:
    """Where it fails; `then`: not at the beginning of a sentence."""
    situation = forecast.situation
    request = situation.request
    which = ""
    if len(request.pages) > 1:
        number = f"n mapping {trial.mapping + 1} of {len(request.pages)}"
        which = f"{'i' if then else 'I'}{number} ({pages_of(request.pages[trial.mapping])}) "
    if trial.page is None:
        return f"{which}{trial.call} fails with {trial.outcome}"
    call = "shmget" if request.what is What.SYSV else "mmap"
    after = f" (after {format_bytes(trial.page * situation.page_bytes)})" if trial.page else ""
    end = "hangs" if trial.outcome is Outcome.HANG else f"is killed by {trial.outcome}"
    return f"{which}{call} succeeds; the program {end} at its {_ordinal(trial.page + 1)} page{after}"


def _ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _surplus(screen: Screen, forecast: Forecast) -> None:
    """What overcommit has to find."""
    pages = forecast.changed.surplus_pages
    if pages:
        of_all = f"{pages} of the {pages_of(forecast.situation.request.total)}"
        size = format_bytes(pages * forecast.situation.page_bytes)
        screen.paragraph(f"Even so, {of_all} ({size}) must be found in free memory at that moment.")
