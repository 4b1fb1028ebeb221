"""The files that come with the package for those who run it: alerts, a dashboard, units of systemd."""

from importlib.resources import files

RULES = "rules.yaml"
DASHBOARD = "dashboard.json"
UNITS = ("hugeresv-export.service", "hugeresv-textfile.service", "hugeresv-textfile.timer")


def shipped(name: str, python: str) -> str:
    """The text of one of them; units call hugeresv with the Python that has it, given by its path."""
    text = (files("hugeresv.reports") / "shipped" / name).read_text(encoding="utf-8")
    return text.replace("{hugeresv}", f"{_escaped(python)} -P -m hugeresv") if name in UNITS else text


def _escaped(path: str) -> str:
    """A path as a word of ExecStart=: systemd expands % and $, and splits at blanks."""
    return '"{}"'.format(path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$"))
