"""Containerfile, compose, Kubernetes and systemd, as their own tools read them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from databunker.settings.environment import SETTINGS
from tests.documents.blocks import block_with
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


@pytest.fixture
def compose(judge: Judge, tmp_path: Path) -> Callable[..., str]:
    """What docker-compose makes of the file, beside what the page's commands make."""
    (tmp_path / "compose.yaml").write_text((DEPLOY / "compose.yaml").read_text())
    (tmp_path / "vault.masterkey").write_text("0" * 64)
    (tmp_path / "databunker.env").write_text("EMAIL_HOST=mail.example.com\n")

    def act(*options: str, **given: str) -> str:
        return judge("docker-compose", "--file", tmp_path / "compose.yaml", *options, "config", **given)

    return act


def test_compose_reads_its_file(compose: Callable[..., str]) -> None:
    shown = compose("--profile", "nightly", **SECRETS)
    assert shown.count("read_only: true") == 5
    assert shown.count("DATABUNKER_ROOTTOKEN: root-token-of-a-test") == 1, (
        "only what makes the vault knows the root token"
    )


def test_compose_goes_on_when_the_root_token_was_taken_out(compose: Callable[..., str]) -> None:
    """As docs/deployment.md says: it is asked for once."""
    shown = compose(**{name: value for name, value in SECRETS.items() if name != "ROOT_TOKEN"})
    assert len(re.findall(r"DATABUNKER_ROOTTOKEN: (?:''|\"\")", shown)) == 1


def test_compose_hands_on_every_setting_and_keeps_what_must_outlive_the_database(compose: Callable[..., str]) -> None:
    shown = compose("--profile", "nightly", **SECRETS, KEPT="/srv/kept")
    assert shown.count("EMAIL_HOST: mail.example.com") == 5
    assert len(re.findall(r"/srv/kept(?::/var/lib/databunker|\n +target: /var/lib/databunker\n)", shown)) == 5
    names = set(re.findall(r"^      ([A-Z_]+): ", shown, re.MULTILINE))
    assert names - {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"} <= NAMES


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away")
def test_what_the_page_makes_for_compose_is_for_its_owner_and_stays_out_of_commits(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    text = block_with("docs/deployment.md", "deploy/vault.masterkey").text
    subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=tmp_path, check=True)
    made = {one.name: (one.stat().st_mode & 0o777, one.stat().st_uid) for one in (tmp_path / "deploy").iterdir()}
    assert made == {".env": (0o600, 0), "databunker.env": (0o600, 0), "vault.masterkey": (0o400, 10001)}
    assert set(re.findall(r"^(\w+)=\w{64}$", (tmp_path / "deploy" / ".env").read_text(), re.MULTILINE)) == set(SECRETS)
    hook = re.search(r"files: (.*sqlite3.*)", (PROJECT / ".pre-commit-config.yaml").read_text())
    assert hook is not None
    for name in made:
        ignored = subprocess.run(["git", "check-ignore", "--quiet", f"deploy/{name}"], cwd=PROJECT, check=False)
        assert ignored.returncode == 0, f"git would take up deploy/{name}"
        assert re.search(hook[1], f"deploy/{name}"), f"the hook would let deploy/{name} through"


def rendered(judge: Judge) -> list[dict[str, Any]]:
    import yaml

    return list(yaml.safe_load_all(judge("kubectl", "kustomize", "kubernetes")))


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_object(judge: Judge, tmp_path: Path, version: str) -> None:
    manifest = tmp_path / "all.yaml"
    manifest.write_text(judge("kubectl", "kustomize", "kubernetes"))
    judge("kubernetes-validate", "--strict", "--kubernetes-version", version, manifest)


def pod(made: dict[str, Any]) -> dict[str, Any]:
    spec = made["spec"]["jobTemplate"]["spec"] if made["kind"] == "CronJob" else made["spec"]
    return dict(spec["template"])


def test_pods_may_nothing_and_their_settings_exist(judge: Judge) -> None:
    objects = rendered(judge)
    (settings,) = [one for one in objects if one["kind"] == "ConfigMap"]
    assert set(settings["data"]) <= NAMES
    made = {
        one["metadata"]["name"]: pod(one)["spec"] for one in objects if one["kind"] in {"Deployment", "Job", "CronJob"}
    }
    assert set(made) == {"init", "vault", "vault-edge", "scheduler", "backup", "verify", "hand"}
    claims = {one["metadata"]["name"] for one in objects if one["kind"] == "PersistentVolumeClaim"}
    for spec in made.values():
        (container,) = spec["containers"]
        assert container["image"] == "registry.example.com/databunker:0.1.0"
        assert container["envFrom"] == [
            {"configMapRef": {"name": settings["metadata"]["name"]}},
            {"secretRef": {"name": "databunker-settings", "optional": True}},
        ]
        assert {one["name"] for one in container["env"]} <= NAMES
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["automountServiceAccountToken"] is False
        may = container["securityContext"]
        assert (may["readOnlyRootFilesystem"], may["allowPrivilegeEscalation"]) == (True, False)
        assert may["capabilities"] == {"drop": ["ALL"]}
        for volume in spec["volumes"]:
            assert volume.get("persistentVolumeClaim", {}).get("claimName", "kept") in claims


def test_only_who_comes_through_the_ingress_is_believed_about_addresses(judge: Judge) -> None:
    objects = rendered(judge)
    pods = {one["metadata"]["name"]: pod(one) for one in objects if one["kind"] in {"Deployment", "Job", "CronJob"}}
    believes = {
        name
        for name, one in pods.items()
        if {"name": "TRUSTED_PROXIES", "value": "1"} in one["spec"]["containers"][0]["env"]
    }
    assert believes == {"vault-edge"}

    def chosen(selector: dict[str, str]) -> set[str]:
        return {name for name, one in pods.items() if selector.items() <= one["metadata"]["labels"].items()}

    services = {one["metadata"]["name"]: chosen(one["spec"]["selector"]) for one in objects if one["kind"] == "Service"}
    assert services == {
        "vault": {"vault"},
        "vault-pods": {"vault"},
        "vault-edge": {"vault-edge"},
        "vault-pods-edge": {"vault-edge"},
    }
    asked = re.findall(r"([\w-]+)\.databunker\.svc", (DEPLOY / "prometheus" / "kubernetes.yml").read_text())
    assert set(asked) == {"vault-pods", "vault-pods-edge"}
    policies = [one["spec"] for one in objects if one["kind"] == "NetworkPolicy"]
    reached = {
        label: chosen(policy["podSelector"]["matchLabels"])
        for policy in policies
        for rule in policy.get("ingress", [])
        for come in rule["from"]
        for label in come["namespaceSelector"]["matchLabels"]
    }
    assert reached == {"databunker-may-ask": {"vault"}, "databunker-ingress": {"vault-edge"}}
    assert any(chosen(policy["podSelector"]["matchLabels"]) == set(pods) for policy in policies), (
        "all others are closed"
    )


UNITS = sorted(one for one in (DEPLOY / "systemd").iterdir() if one.suffix in {".service", ".timer"})


def test_systemd_takes_every_unit(judge: Judge, tmp_path: Path) -> None:
    """With a program where ours would be."""
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/databunker/bin/databunker", "/bin/true"))
    said = judge("systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir()))
    assert "databunker" not in said, said


def test_services_may_be_granted_the_disk_of_a_journal(judge: Judge, tmp_path: Path) -> None:
    """By one file, for the server and for all units whose names go on after a dash."""
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/databunker/bin/databunker", "/bin/true"))
    given = (DEPLOY / "systemd" / "journal.conf").read_text()
    assert "ReadWritePaths=/srv/journals" in given
    for folder in ("databunker.service.d", "databunker-.service.d"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "journal.conf").write_text(given)
    units = sorted(tmp_path.glob("*.service"))
    assert "databunker" not in judge("systemd-analyze", "verify", "--man=no", *units, SYSTEMD_UNIT_PATH=f"{tmp_path}:")
    for folder in ("databunker.service.d", "databunker-.service.d"):
        (tmp_path / folder / "journal.conf").write_text(given + "Nonsense=1\n")
    said = judge("systemd-analyze", "verify", "--man=no", *units, SYSTEMD_UNIT_PATH=f"{tmp_path}:")
    assert {"databunker.service.d", "databunker-.service.d"} <= set(re.findall(r"([\w.-]+)/journal\.conf:", said)), said


def test_commands_are_started_as_the_services_are() -> None:
    """databunker-run names by itself what the units have."""
    text = (DEPLOY / "systemd" / "databunker-run").read_text()
    subprocess.run(["sh", "-n", DEPLOY / "systemd" / "databunker-run"], check=True)
    properties = set(re.findall(r"--property=(\S+)", text))
    unit = (DEPLOY / "systemd" / "databunker-scheduler.service").read_text()
    assert properties <= set(unit.splitlines())
    named = {one.partition("=")[0] for one in properties}
    assert {"User", "Group", "StateDirectory", "WorkingDirectory", "EnvironmentFile", "LoadCredential"} <= named
    assert re.search(r'DATABUNKER_MASTERKEY_FILE="/run/credentials/\$unit\.service/masterkey"', text)


def test_proxies_let_in_the_largest_body() -> None:
    (largest,) = [one.default for one in SETTINGS if one.name == "MAX_BULK_BODY_BYTES"]
    for file, pattern in (
        ("nginx/databunker.conf", r"client_max_body_size (\d+)m;"),
        ("caddy/Caddyfile", r"max_size (\d+)MiB"),
    ):
        (given,) = re.findall(pattern, (DEPLOY / file).read_text())
        assert int(given) << 20 == largest


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
