"""What a user installs: a wheel, built by the project's back end, in an environment of its own and far from a checkout.

Its dependencies are those of the environment in which the tests run: no network is needed.
"""

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import pytest

import hugeresv
from hugeresv.cli.manual import pages
from hugeresv.kernels.guest.cache import cache_directory
from hugeresv.kernels.guest.images import find_image
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.guest.session import GuestSession
from hugeresv.scenario.packaged import packaged
from hugeresv.scenario.scenario import Pool
from tests.cli.test_help import EXAMPLES
from tests.guests import need_guest

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

ON_THE_HOST = ("hugeresv fuzz 6.18 host --time 60",)
OF_KERNELS = ("hugeresv check guest:6.12", "hugeresv check ~/linux --base guest:6.12 --time 300")
TRIAL = "hugeresv check ~/linux --bisect --time 0 finding-1/scenario.scn"
OF_MEMORY = ("hugeresv audit vmcore", "hugeresv audit --json guest.ram")
SERVER = "hugeresv export --listen 9879"
ELSEWHERE = {*ON_THE_HOST, *OF_KERNELS, TRIAL, *OF_MEMORY, SERVER}
"""Examples that need a pool, a kernel or a dump, or do not end: each has a test below."""

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


def run(
    *command: str,
    at: Path,
    path: Path | None = None,
    more: Mapping[str, str] = MappingProxyType({}),
    allowed: Sequence[int] = (0, 1),
) -> subprocess.CompletedProcess[str]:
    """A command, run in a directory; `path` comes first where programs are looked for, `more` into the environment."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= more
    if path is not None:
        environment["PATH"] = f"{path}:{environment['PATH']}"
    done = subprocess.run(command, cwd=at, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in allowed, done.stderr
    return done


def test_a_wheel_has_all_that_it_needs(wheel: Path) -> None:
    """Every file of the package, the scenarios, a man page for each verb and the licence are in it; no test is.

    Catches: a kind of file that the build back end leaves out, and that a checkout always has.
    """
    names = zipfile.ZipFile(wheel).namelist()
    inside = {name for name in names if name.startswith("hugeresv/")}
    source = ROOT / "src" / "hugeresv"
    files = (path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert {f"hugeresv/{path.relative_to(source)}" for path in files} <= inside
    assert {f"hugeresv/scenarios/{name}.scn" for name, path in packaged().items() if path.is_file()} <= inside
    data = f"hugeresv-{hugeresv.__version__}"
    assert {f"{data}.data/data/share/man/man1/{page}" for page in pages()} <= set(names)
    assert f"{data}.dist-info/licenses/LICENSE" in names
    assert {name.partition("/")[0] for name in names} == {"hugeresv", f"{data}.data", f"{data}.dist-info"}


def test_every_example_elsewhere_is_one() -> None:
    """What has a test of its own is still an example. Catches: a help text that changed, and a test that did not."""
    assert set(EXAMPLES) >= ELSEWHERE


def test_what_is_run_is_what_was_installed(installed: Path, tmp_path: Path) -> None:
    """The package comes from the fresh environment. Catches: tests of the wheel that run the checkout."""
    told = run("python", "-c", "import hugeresv; print(hugeresv.__file__)", at=tmp_path, path=installed / "bin")
    assert Path(told.stdout.strip()).is_relative_to(installed)


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each not in ELSEWHERE])
def test_examples_run_from_a_wheel_in_an_empty_directory(example: str, installed: Path, tmp_path: Path) -> None:
    """An example of a help text can be typed anywhere. Catches: an option that there is not; a file of the checkout."""
    assert run("bash", "-c", example, at=tmp_path, path=installed / "bin").stderr == ""


@pytest.mark.host
@pytest.mark.parametrize("example", ON_THE_HOST)
def test_an_example_on_the_host_runs_from_a_wheel(example: str, installed: Path, tmp_path: Path) -> None:
    """It compares a second of steps, or says in one line why it cannot. Catches: the guardian, started elsewhere."""
    ran = run("bash", "-c", f"{example} --time 1", at=tmp_path, path=installed / "bin", allowed=(0, 3))
    assert ran.returncode == 0 or ran.stderr.startswith("hugeresv: error: ")


@pytest.mark.guest
def test_a_trial_of_a_bisection_runs_from_a_wheel(installed: Path, tmp_path: Path) -> None:
    """A tree in which a kernel was built is booted and audited. Catches: the sources in C that a wheel may lack."""
    need_guest("6.12")
    image = tmp_path / "linux/arch/x86/boot/bzImage"
    image.parent.mkdir(parents=True)
    image.symlink_to(find_image("6.12").path)
    (tmp_path / "finding-1").mkdir()
    (tmp_path / "finding-1/scenario.scn").write_text("pool 2M nr=1\ndb mmap a 1 private\n")
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(cache_directory("kernels").parents[1])}
    ran = run("bash", "-c", TRIAL, at=tmp_path, path=installed / "bin", more=home)
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "no finding")


@pytest.mark.parametrize("example", OF_KERNELS)
def test_a_kernel_that_is_not_here_is_told(example: str, installed: Path, tmp_path: Path) -> None:
    """Where there is no such kernel yet, one line says what is missing. Catches: a path of the checkout's machine."""
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    ran = run("bash", "-c", example, at=tmp_path, path=installed / "bin", more=home, allowed=(3,))
    assert "`hugeresv kernels fetch 6.12` gets it" in ran.stderr or "arch/x86/boot/bzImage" in ran.stderr


def test_a_guests_memory_is_audited_from_a_wheel(
    installed: Path, tmp_path: Path, guests: Callable[[str], GuestKernel]
) -> None:
    """The RAM of a guest is read by either example. Catches: a module of the audit that a wheel lacks."""
    pytest.importorskip("drgn")
    with guests("6.12").start(Pool(2048, 4)) as session:
        assert isinstance(session, GuestSession)
        for example in OF_MEMORY:
            (tmp_path / example.split()[-1]).symlink_to(session.memory.path)
            assert run("bash", "-c", example, at=tmp_path, path=installed / "bin").returncode == 0


def test_metrics_are_served_from_a_wheel(installed: Path, tmp_path: Path) -> None:
    """`export --listen` serves metrics; 0 is a port of the kernel's choice. Catches: what only a server loads."""
    command = [str(installed / "bin" / "hugeresv"), *SERVER.split()[1:-1], "0"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        port = urlsplit(server.stderr.readline().split()[-1]).port
        connection = HTTPConnection("localhost", port)
        connection.request("GET", "/metrics")
        assert b"hugeresv_pool_pages" in connection.getresponse().read()
        connection.close()
        server.terminate()


def test_man_finds_the_pages(installed: Path) -> None:
    """The pages are in share/man beside bin, where man looks for those of a command. Catches: pages in the package."""
    text = (installed / "share" / "man" / "man1" / "hugeresv-run.1").read_text()
    assert text == pages()["hugeresv-run.1"]
