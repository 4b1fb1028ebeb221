"""How the command starts, and how it ends, whatever happens. What takes time is imported where Ctrl-C is caught."""

import sys

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it: 128 and the number of SIGINT."""


def main() -> None:
    """Run the command line and exit with its status. An error is a line on standard error, never a traceback."""
    try:
        status = _run()
    except KeyboardInterrupt:
        status = INTERRUPTED
    sys.exit(status)


def _run() -> int:
    from hugeresv.cli import streams

    streams.prepare()
    try:
        status = _carried_out()
        sys.stdout.flush()
    except streams.OutputError as error:
        streams.drop_output()
        if error.reader_has_left:
            return 0
        return _told(error)
    return status


def _carried_out() -> int:
    from hugeresv.cli.streams import OutputError

    try:
        from hugeresv.cli.verbs import carry_out

        return carry_out(sys.argv[1:])
    except OutputError:
        raise
    except Exception as error:  # noqa: BLE001  nothing else would catch it
        return _told(error)


def _told(error: Exception) -> int:
    """Say what ended the command; its exit status."""
    from hugeresv.cli.exit_status import BUG, report_bug, report_error
    from hugeresv.cli.streams import OutputError
    from hugeresv.errors import HugeresvError, UnavailableError

    if isinstance(error, HugeresvError):
        report_error(str(error))
        return error.exit_status
    if isinstance(error, OutputError | MemoryError):
        report_error(str(error) or "there is not enough memory for this")
        return UnavailableError.exit_status
    report_bug(error)
    return BUG
