"""Alerts and panels ask for metrics that a vault has, with labels that these have."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.vaults import PROJECT, serving

from .conftest import DEPLOY, Judge

pytestmark = pytest.mark.database_independent

# Added by Prometheus itself.
FROM_ELSEWHERE = {"instance", "job"}
USED = re.compile(r"\b(databunker_\w+)(?:\{([^}]*)\})?")


def expressions() -> list[str]:
    import yaml

    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    board = json.loads((DEPLOY / "grafana" / "databunker.json").read_text())
    asked = [rule["expr"] for group in groups for rule in group["rules"]]
    asked += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return asked + [one["definition"] for one in board["templating"]["list"] if "definition" in one]


def test_every_metric_and_label_that_is_asked_for_exists(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        caller = server.client()
        caller.create(login="ann")
        text = caller.call("GET", "/v1/metrics").body.decode()
        caller.close()
    labels: dict[str, set[str]] = {}
    for name, given in re.findall(r"^(databunker_\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', given))
    for name in re.findall(r"^# TYPE (databunker_\w+) (?:counter|gauge)", text, re.MULTILINE):
        labels.setdefault(name, set())
    asked = [pair for expression in expressions() for pair in USED.findall(expression)]
    assert len(asked) > 20
    for name, matchers in asked:
        assert name in labels, name
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)) - FROM_ELSEWHERE <= labels[name], (name, matchers)


def test_prometheus_reads_the_rules_and_they_fire_when_they_should(judge: Judge) -> None:
    judge("promtool", "check", "config", "prometheus/prometheus.yml")
    judge("promtool", "check", "config", "--syntax-only", "prometheus/kubernetes.yml")
    judge("promtool", "check", "rules", "prometheus/alerts.yml")
    judge("promtool", "test", "rules", "prometheus/alerts_test.yml")


def test_every_alert_is_tried() -> None:
    alerts = (DEPLOY / "prometheus" / "alerts.yml").read_text()
    tried = (DEPLOY / "prometheus" / "alerts_test.yml").read_text()
    fire = re.findall(r"alertname: (\w+)\n +exp_alerts:", tried)
    assert sorted(fire) == sorted(re.findall(r"- alert: (\w+)", alerts))


@pytest.mark.parametrize(
    "runbook", sorted(set(re.findall(r"runbook: (\S+)", (DEPLOY / "prometheus" / "alerts.yml").read_text())))
)
def test_every_runbook_is_there(runbook: str) -> None:
    page, _, heading = runbook.partition("#")
    headings = re.findall(r"^##+ (.*)$", (PROJECT / page).read_text(), re.MULTILINE)
    assert not heading or heading in [one.lower().replace(" ", "-") for one in headings]
