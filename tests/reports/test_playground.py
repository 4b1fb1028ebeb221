"""What the playground imports is there in a browser."""

import json
import subprocess
import sys

from website.playground_files import LEFT_OUT

ABSENT = (
    "click", "rich", "textual", "prometheus_client", "jinja2", "drgn", "greenlet", "numpy", "numba", "distributed",
    "fcntl", "pwd", "grp", "termios",
)  # fmt: skip
"""Packages that are not shipped, and modules that Pyodide's Python lacks."""

NOT_SHIPPED = tuple(f"hugeresv.{part.replace('/', '.')}" for part in LEFT_OUT)

QUESTIONS = [
    {"do": "run", "text": "pool 2M nr=1\np mmap a 1 private\n", "kernel": "6.18", "other": "2008"},
    {"do": "convert", "text": "pool 2M nr=1\np mmap a 1 private\n", "to": ".json"},
    {"do": "fit", "kernel": "6.18", "size": "5p", "page": "2M", "total": 10, "free": 8, "rsvd": 5, "surp": 0}
    | {"overcommit": 0, "what": "private"},
    {"do": "run", "text": "pool 2M nr=1\np mmap a 1 privat\n", "kernel": "6.18", "other": ""},
    {"do": "run", "text": "pool 2M nr=1\n", "kernel": "host", "other": ""},
    {"do": "explore", "kernel": "6.18", "other": "", "pool": 2, "pages": 1, "shared": 0, "processes": 2}
    | {"overcommit": 0, "operations": "usual"},
    {"do": "explore", "kernel": "ideal", "other": "", "pool": 4, "pages": 3, "shared": 2, "processes": 3}
    | {"overcommit": 2, "operations": "usual, dontneed"},
]

PROGRAM = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {ABSENT!r} or name.startswith({NOT_SHIPPED!r}):
            raise ImportError(name)
sys.meta_path.insert(0, Absent())
from hugeresv.reports.html.playground import answer
for question in sys.stdin:
    print(answer(question))
"""


def test_it_answers_without_what_a_browser_lacks() -> None:
    """The playground answers without third-party packages and without modules that only Unix has.

    Catches: an import of a third-party package, or of a module that only Unix has, on the way to a run.
    """
    questions = "".join(f"{json.dumps(question)}\n" for question in QUESTIONS)
    ran = subprocess.run([sys.executable, "-c", PROGRAM], input=questions, capture_output=True, text=True, check=True)
    compared, converted, fitted, wrong, real, explored, large = map(json.loads, ran.stdout.splitlines())
    assert [film["kernel"] for film in compared["films"]["runs"][0]["films"]] == ["6.18", "2008"]
    assert json.loads(converted["text"])["steps"][0]["op"] == "mmap"
    assert "3 available" in fitted["text"]
    assert (wrong["line"], fitted["fits"]) == (2, False)
    assert "I1, I2 is violated after 4 operations" in explored["text"]
    assert "fork" in explored["scenario"]
    assert "A browser explores no further" in large["text"]
    assert real["error"] == "host: a browser has the model's kernels and no real one"
