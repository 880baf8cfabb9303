"""Containerfile, compose, Kubernetes and systemd, as their own tools read them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from databunker.settings.environment import SETTINGS
from tests.support.vaults import PROJECT

from .conftest import DEPLOY, Judge

NAMES = {setting.name for setting in SETTINGS}
SECRETS = {"POSTGRES_PASSWORD": "x", "ROOT_TOKEN": "root-token-of-a-test", "SECRET_KEY": "z"}
# The newest of kubernetes-validate's schemas, and the oldest release that is still supported.
KUBERNETES = ("1.33", "1.36")


def test_the_containerfile_is_as_its_linter_wants_it(judge: Judge) -> None:
    assert judge("hadolint", "--failure-threshold", "style", "Containerfile") == ""


def test_the_image_runs_as_nobody_and_says_whether_it_lives() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    final = text[text.rindex("\nFROM ") :]
    assert re.findall(r"^USER (.*)$", final, re.MULTILINE) == ["10001:10001"]
    assert "/livez" in re.findall(r"^HEALTHCHECK(?:.*\\\n)*.*$", final, re.MULTILINE)[0]
    for copied in re.findall(r"^!(\S+)$", (PROJECT / ".dockerignore").read_text(), re.MULTILINE):
        assert list(PROJECT.glob(copied)), f"{copied} of .dockerignore is gone"


def test_compose_reads_its_file(judge: Judge) -> None:
    judge("docker-compose", "--file", "compose.yaml", "config", "--quiet", **SECRETS)
    shown = judge("docker-compose", "--file", "compose.yaml", "config", **SECRETS)
    assert shown.count("read_only: true") == 3
    assert shown.count("DATABUNKER_ROOTTOKEN: root-token-of-a-test") == 1, (
        "only what makes the vault knows the root token"
    )


def rendered(judge: Judge) -> list[dict[str, Any]]:
    import yaml

    return list(yaml.safe_load_all(judge("kubectl", "kustomize", "kubernetes")))


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_object(judge: Judge, tmp_path: Path, version: str) -> None:
    manifest = tmp_path / "all.yaml"
    manifest.write_text(judge("kubectl", "kustomize", "kubernetes"))
    judge("kubernetes-validate", "--strict", "--kubernetes-version", version, manifest)


def test_pods_may_nothing_and_their_settings_exist(judge: Judge) -> None:
    objects = rendered(judge)
    (settings,) = [one for one in objects if one["kind"] == "ConfigMap"]
    assert set(settings["data"]) <= NAMES
    pods = [one["spec"]["template"]["spec"] for one in objects if one["kind"] in {"Deployment", "Job"}]
    assert len(pods) == 3
    for pod in pods:
        (container,) = pod["containers"]
        assert container["image"] == "registry.example.com/databunker:0.1.0"
        assert container["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
        assert {one["name"] for one in container["env"]} <= NAMES
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["automountServiceAccountToken"] is False
        may = container["securityContext"]
        assert (may["readOnlyRootFilesystem"], may["allowPrivilegeEscalation"]) == (True, False)
        assert may["capabilities"] == {"drop": ["ALL"]}
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in objects if one["kind"] == "Deployment"]
    (service,) = [one for one in objects if one["kind"] == "Service"]
    assert sum(service["spec"]["selector"].items() <= one.items() for one in labels) == 1


UNITS = sorted((DEPLOY / "systemd").glob("databunker*"))


def test_systemd_takes_every_unit(judge: Judge, tmp_path: Path) -> None:
    """With a program where ours would be."""
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/databunker/bin/databunker", "/bin/true"))
    said = judge("systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir()))
    assert "databunker" not in said, said


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name)
def test_services_may_little(judge: Judge, unit: Path) -> None:
    """systemd's own measure, in tenths: 0 may nothing, 100 everything."""
    judge("systemd-analyze", "security", "--offline=true", "--threshold=20", unit)


def test_commands_of_the_units_exist() -> None:
    commands = {path.stem for path in PROJECT.glob("databunker/management/commands/*.py")}
    for unit in UNITS:
        for command in re.findall(r"/opt/databunker/bin/databunker (\w+)", unit.read_text()):
            assert command in commands
    timers = {unit.stem for unit in UNITS if unit.suffix == ".timer"}
    assert timers == {"databunker-backup", "databunker-verify"}


def test_the_dashboard_is_one() -> None:
    board = json.loads((DEPLOY / "grafana" / "databunker.json").read_text())
    identities = [panel["id"] for panel in board["panels"]]
    assert len(set(identities)) == len(identities)
    places = [panel["gridPos"] for panel in board["panels"]]
    taken = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(set(taken)) == len(taken), "panels overlap"
    assert max(x for x, _ in taken) < 24
