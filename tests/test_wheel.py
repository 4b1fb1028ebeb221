"""What a user installs: a wheel, built by the project's back end, in an environment of its own and far from a checkout.

Its dependencies are those of the environment in which the tests run: no network is needed.
"""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import hugeresv
from hugeresv.cli.manual import pages
from hugeresv.scenario.packaged import packaged
from tests.cli.test_help import EXAMPLES, WHAT_TAKES_A_WHILE

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    directory = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory), at=ROOT)
    (built,) = directory.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel."""
    place = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", str(place), at=place)
    python = str(place / "bin" / "python")
    run(
        str(BIN / "uv"),
        "pip",
        "install",
        "--python",
        python,
        "--no-deps",
        "--offline",
        "--no-cache",
        str(wheel),
        at=place,
    )
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place


def run(*command: str, at: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command, run in a directory; `path` comes first where programs are looked for."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    if path is not None:
        environment["PATH"] = f"{path}:{environment['PATH']}"
    done = subprocess.run(command, cwd=at, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done


def test_a_wheel_has_all_that_it_needs(wheel: Path) -> None:
    """The scenarios, a man page for each verb, the sources in C and the licence are in it, and nothing of the tests.

    Catches: a kind of file that the build back end leaves out, and that a checkout always has.
    """
    names = zipfile.ZipFile(wheel).namelist()
    inside = {name for name in names if name.startswith("hugeresv/")}
    source = ROOT / "src" / "hugeresv"
    assert {f"hugeresv/{path.relative_to(source)}" for path in source.rglob("*.[ch]")} <= inside
    assert {f"hugeresv/scenarios/{name}.scn" for name, path in packaged().items() if path.is_file()} <= inside
    data = f"hugeresv-{hugeresv.__version__}"
    assert {f"{data}.data/data/share/man/man1/{page}" for page in pages()} <= set(names)
    assert f"{data}.dist-info/licenses/LICENSE" in names
    assert {name.partition("/")[0] for name in names} == {"hugeresv", f"{data}.data", f"{data}.dist-info"}


def test_what_is_run_is_what_was_installed(installed: Path, tmp_path: Path) -> None:
    """The package comes from the fresh environment. Catches: tests of the wheel that run the checkout."""
    told = run("python", "-c", "import hugeresv; print(hugeresv.__file__)", at=tmp_path, path=installed / "bin")
    assert Path(told.stdout.strip()).is_relative_to(installed)


@pytest.mark.parametrize("example", [each for each in EXAMPLES if not set(WHAT_TAKES_A_WHILE) & set(each.split())])
def test_examples_run_from_a_wheel_in_an_empty_directory(example: str, installed: Path, tmp_path: Path) -> None:
    """An example of a help text can be typed anywhere. Catches: an option that there is not; a file of the checkout."""
    assert run("bash", "-c", example, at=tmp_path, path=installed / "bin").stderr == ""


def test_man_finds_the_pages(installed: Path) -> None:
    """The pages are in share/man beside bin, where man looks for those of a command. Catches: pages in the package."""
    text = (installed / "share" / "man" / "man1" / "hugeresv-run.1").read_text()
    assert text == pages()["hugeresv-run.1"]
