"""What is shipped for monitoring: rules, dashboard and units, before the programs that they are for.

A real Prometheus scrapes three exporters, evaluates the rules, and answers every query of the dashboard.
"""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from hugeresv.reports.shipped_files import DASHBOARD, RULES, UNITS, shipped
from tests.cli.conftest import Hugeresv
from tests.cli.test_export import serving
from tests.sources.trees import add_node, add_process, make_host

pytestmark = pytest.mark.xdist_group("prometheus")  # one serves all

needs_prometheus = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")),
    reason="needs prometheus and promtool (Debian: apt-get install prometheus)",
)
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")

BOARD: dict[str, Any] = json.loads(shipped(DASHBOARD, ""))
QUERIES = [(panel["title"], target["expr"]) for panel in BOARD["panels"] for target in panel["targets"]]
OF_A_LIVE_HOST = {"hugeresv_mount_used_bytes"}
"""Metrics that a captured tree has not: the use of a mount takes a statfs."""


def make_tree(root: Path, number: int) -> list[str]:
    """A captured host with everything that has a series; what it holds depends on its number."""
    make_host(root, nr=100 + number, free=99 + number, resv=3 + number)
    add_process(root, 7)
    for node in (0, 1):
        add_node(root, node, nr=50, free=50)
    mount = "30 20 0:42 / /mnt/h rw - hugetlbfs none rw,pagesize=2M,size=40960K,min_size=4096K\n"
    (root / "proc/self/mountinfo").write_text(mount)
    cgroup = root / "sys/fs/cgroup/some"
    cgroup.mkdir(parents=True)
    (root / "sys/fs/cgroup/cgroup.controllers").write_text("hugetlb\n")
    for name, pages in (("max", 1), ("current", 1), ("rsvd.max", 9), ("rsvd.current", 4)):
        (cgroup / f"hugetlb.2MB.{name}").write_text(f"{pages << 21}\n")
    return ["--proc", f"{root}/proc", "--sys", f"{root}/sys"]


class Prometheus:
    """A running one."""

    def __init__(self, port: int) -> None:
        self._api = f"http://127.0.0.1:{port}/api/v1"

    def ask(self, path: str, **parameters: str) -> dict[str, Any]:
        url = f"{self._api}/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310  our own
            found = json.load(answer)
        assert found["status"] == "success", found
        data: dict[str, Any] = found["data"]
        return data

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series of an instant query."""
        found = self.ask("query", query=expression)["result"]
        return [(each["metric"], float(each["value"][1])) for each in found]

    def wait_for(self, expression: str, count: int) -> None:
        """Until a query has so many series."""
        end = time.monotonic() + 60
        found = 0
        while time.monotonic() < end:
            try:
                found = len(self.query(expression))
            except OSError:  # it does not listen yet, or is not ready
                found = -1
            if found == count:
                return
            time.sleep(0.2)
        pytest.fail(f"{expression} has {found} series, not {count}")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """With the shipped rules, scraping three hosts."""
    folder = tmp_path_factory.mktemp("prometheus")
    with ExitStack() as stack:
        ports = [
            stack.enter_context(serving("--listen", "0", *make_tree(folder / str(number), number)))[2]
            for number in range(3)
        ]
        (folder / RULES).write_text(shipped(RULES, ""))
        targets = [f"127.0.0.1:{port}" for port in ports]
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [RULES],
            "scrape_configs": [{"job_name": "hugeresv", "static_configs": [{"targets": targets}]}],
        }
        (folder / "prometheus.yml").write_text(json.dumps(configuration))
        port = free_port()
        command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        with (folder / "log").open("w") as log:
            running = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
        try:
            found = Prometheus(port)
            found.wait_for("hugeresv_build_info", 3)
            yield found
        finally:
            running.terminate()
            running.wait(30)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@needs_prometheus
@pytest.mark.parametrize(("title", "expression"), QUERIES, ids=[f"{title} {n}" for n, (title, _) in enumerate(QUERIES)])
def test_every_panel_has_an_answer_for_every_host(prometheus: Prometheus, title: str, expression: str) -> None:
    """It works with several hosts. Catches: a metric of another name, `many-to-many matching not allowed`."""
    for variable in ("job", "instance", "pagesize"):
        expression = expression.replace(f"${variable}", ".*")
    assert "$" not in expression
    found = prometheus.query(expression)
    if not OF_A_LIVE_HOST & set(re.findall(r"hugeresv_\w+", expression)):
        assert found, title
        hosts = {labels["instance"] for labels, _ in found if "instance" in labels}
        assert len(hosts) in {0, 3}


@needs_prometheus
def test_the_variables_of_the_dashboard_have_values(prometheus: Prometheus) -> None:
    """Each variable of the dashboard has values in a Prometheus that scrapes us.

    Catches: a drop-down list that is empty, so that every panel is.
    """
    for variable in BOARD["templating"]["list"]:
        if variable["type"] != "query":
            continue
        series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()  # type: ignore[union-attr]
        for name in ("job", "instance"):
            series = series.replace(f"${name}", ".*")
        assert prometheus.ask(f"label/{label}/values", **{"match[]": series})


@needs_prometheus
def test_the_rules_are_evaluated_and_keep_the_host(prometheus: Prometheus) -> None:
    """Prometheus evaluates every rule without an error, and each alert names its host.

    Catches: an expression that fails with several hosts, or an alert that does not say where.
    """
    prometheus.wait_for("ALERTS", 6)
    (group,) = prometheus.ask("rules")["groups"]
    assert {(rule["name"], rule["health"], rule.get("lastError", "")) for rule in group["rules"]} == {
        (rule["name"], "ok", "") for rule in group["rules"]
    }
    alerts = [labels for labels, _ in prometheus.query("ALERTS")]
    assert {labels["alertname"] for labels in alerts} == {"HugePagesCgroupOverpromised", "HugePagesPartlyObserved"}
    assert len({labels["instance"] for labels in alerts}) == 3


@needs_prometheus
def test_the_sum_of_the_page_is_right_on_each_host(prometheus: Prometheus) -> None:
    """docs/export.md says that holders and the rest are what the kernel counts. Catches: a sum over all hosts."""
    page = (Path(__file__).parents[2] / "docs/export.md").read_text()
    (expression,) = re.findall(r"```promql\n(.*?)```", page, re.DOTALL)
    sums = {labels["instance"]: pages for labels, pages in prometheus.query(expression)}
    counted = {each["instance"]: pages for each, pages in prometheus.query('hugeresv_pool_pages{state="reserved"}')}
    assert sums == counted
    assert sorted(sums.values()) == [3, 4, 5]


def series(name: str, value: str, instance: str = "a", **labels: str) -> dict[str, str]:
    """A series of a rule test; `value` in promtool's notation."""
    shown = ", ".join(f'{key}="{each}"' for key, each in {"instance": instance, "job": "j", **labels}.items())
    return {"series": f"hugeresv_{name}{{{shown}}}", "values": value}


def pool(total: int, free: int, reserved: int, instance: str) -> list[dict[str, str]]:
    counts = {"total": total, "free": free, "reserved": reserved, "available": max(0, free - reserved)}
    return [series("pool_pages", f"{n}x600", instance, pagesize="1", state=state) for state, n in counts.items()]


@needs_prometheus
def test_alerts_fire_for_what_is_wrong_and_for_nothing_else(tmp_path: Path) -> None:
    """promtool plays ten hours. Catches: an alarm on a pool that was meant to be full; one that never comes."""
    healthy = [
        *pool(63, 63, 63, "full"),
        *pool(60, 0, 0, "used"),
        *pool(0, 0, 0, "none"),
        *(series(f"cgroup_{name}_pages", "70x600", "full", cgroup="/db") for name in ("rsvd", "rsvd_max", "max")),
        series("ledger_wrong", "0x600", "full"),
        series("observation_partial", "0x600", "full"),
    ]
    wrong = [
        *pool(9, 2, 3, "a"),
        *pool(9, 9, 0, "idle"),
        series("ledger_wrong", "1x600"),
        series("observation_partial", "1x600"),
        series("warnings", "2x600", code="unused-file"),
        series("cgroup_rsvd_pages", "8x600", cgroup="/c"),
        series("cgroup_max_pages", "7x600", cgroup="/c"),
        series("observation_timestamp_seconds", "0x600"),
    ]
    names = re.findall(r"alert: (\w+)", shipped(RULES, ""))
    where = {name: {"HugePagesUnused": "idle"}.get(name, "a") for name in names}
    quiet = [{"eval_time": "10h", "alertname": name} for name in names if name != "HugePagesNotObserved"]
    loud = [
        {"expr": f'count(ALERTS{{alertname="{name}", alertstate="firing"}}) by (instance)', "eval_time": "10h",
         "exp_samples": [{"labels": f'{{instance="{instance}"}}', "value": 1}]}
        for name, instance in where.items()
    ]  # fmt: skip
    tests = {
        "rule_files": [RULES],
        "tests": [
            {"interval": "1m", "input_series": healthy, "alert_rule_test": quiet},
            {"interval": "1m", "input_series": wrong, "promql_expr_test": loud},
        ],
    }
    (tmp_path / RULES).write_text(shipped(RULES, ""))
    (tmp_path / "tests.yaml").write_text(json.dumps(tests))
    for command in (["check", "rules", RULES], ["test", "rules", "tests.yaml"]):
        ran = subprocess.run(["promtool", *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_page_lists_the_alerts() -> None:
    """docs/export.md lists the alerts of the shipped rules, in their order. Catches: an alert that nobody hears of."""
    page = (Path(__file__).parents[2] / "docs/export.md").read_text()
    assert re.findall(r"^\| (HugePages\w+)", page, re.MULTILINE) == re.findall(r"alert: (\w+)", shipped(RULES, ""))


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    """The dashboard has what Grafana requires: its keys, one id and one free place a panel, queries.

    Catches: two panels of one id or in one place, a data source of one machine, a query without the variables.
    """
    assert {"title", "uid", "schemaVersion", "panels", "templating", "time"} <= set(BOARD)
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        columns, rows = (range(place[at], place[at] + place[length]) for at, length in ("xw", "yh"))
        cells = {(x, y) for x in columns for y in rows}
        assert not cells & taken
        taken |= cells
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["title"]
        assert panel["type"] in {"stat", "timeseries", "table"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        for target in panel["targets"]:
            metrics = re.findall(r"hugeresv_\w+\{[^}]*", target["expr"])
            assert metrics
            assert len(metrics) == target["expr"].count("hugeresv_")
            assert all('instance=~"$instance"' in metric for metric in metrics)
    assert len(taken) == 24 * max(y + 1 for _, y in taken)
    assert [variable["name"] for variable in BOARD["templating"]["list"]] == [
        "datasource",
        "job",
        "instance",
        "pagesize",
    ]


def test_the_files_are_printed(hugeresv: Hugeresv) -> None:
    """Each --print option prints its file whole, with the paths of this installation.

    Catches: an option that prints another file, or a unit that calls a program that is not there.
    """
    assert hugeresv("export", "--print-rules") == (0, shipped(RULES, ""), "")
    assert json.loads(hugeresv("export", "--print-dashboard").out) == BOARD
    for unit in UNITS:
        text = hugeresv("export", "--print-unit", unit).out
        assert "{" not in text
        for command in re.findall(r"^ExecStart=(.*)", text, re.MULTILINE):
            assert command.startswith(f'"{sys.executable}" -P -m hugeresv export ')


@needs_systemd
def test_systemd_takes_the_units(hugeresv: Hugeresv, tmp_path: Path) -> None:
    """systemd-analyze verifies the units without a complaint.

    Catches: a setting that systemd does not know, which it ignores.
    """
    for unit in UNITS:
        (tmp_path / unit).write_text(hugeresv("export", "--print-unit", unit).out)
    command = ["systemd-analyze", "verify", *(str(tmp_path / unit) for unit in UNITS)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
