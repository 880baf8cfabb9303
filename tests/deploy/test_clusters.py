"""What deploy/ has for clusters of databases, as these read it. `make drill-cluster` runs with the same settings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.vaults import free_port

from .conftest import DEPLOY, Judge

STREAM = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def lacks(what: str) -> None:
    assert not os.environ.get("DEPLOY_CHECK"), f"{what} is missing"
    pytest.skip(f"{what} is missing")


def test_nginx_reads_the_balancer_of_connections(judge: Judge, tmp_path: Path) -> None:
    if not STREAM.exists():
        lacks("nginx's module stream")
    text = (DEPLOY / "nginx" / "galera.conf").read_text().replace("127.0.0.1:3306", f"127.0.0.1:{free_port()}")
    config = tmp_path / "nginx.conf"
    config.write_text(f"load_module {STREAM};\npid {tmp_path}/pid;\nevents {{}}\n{text}")
    assert "is successful" in judge("nginx", "-t", "-c", config)


def test_mariadb_reads_the_node(judge: Judge, tmp_path: Path) -> None:
    """Each setting is one that it has, and means what is said."""
    text = (DEPLOY / "mariadb" / "galera.cnf").read_text()
    (tmp_path / "galera.cnf").write_text(text.replace("/usr/lib/galera/libgalera_smm.so", "none"))
    said = judge("mariadbd", f"--defaults-file={tmp_path / 'galera.cnf'}", "--help", "--verbose")
    taken = dict(re.findall(r"^([a-z-]+) +(\S+)$", said, re.MULTILINE))
    given = dict(re.findall(r"^(\w+) = (.*)$", text, re.MULTILINE))
    for name in ("wsrep_sync_wait", "innodb_flush_log_at_trx_commit", "innodb_autoinc_lock_mode", "binlog_format"):
        assert taken[name.replace("_", "-")] == given[name], name


@pytest.mark.skipif(os.geteuid() != 0, reason="PostgreSQL doesn't run as root, and must be run as its own user")
def test_postgresql_reads_the_primary() -> None:
    if not POSTGRES:
        lacks("PostgreSQL")
    text = (DEPLOY / "postgresql" / "primary.conf").read_text()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "postgresql.conf").write_text(text)
        for setting, value in re.findall(r"^(\w+) = (.*)$", text, re.MULTILINE):
            done = subprocess.run(
                [POSTGRES[-1] / "postgres", "-C", setting, "-D", folder],
                user="postgres",
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
            )
            assert (done.returncode, done.stdout.strip()) == (0, value.strip("'").removesuffix("MB")), (
                setting,
                done.stderr,
            )


def test_pgbouncer_reads_its_file(tmp_path: Path) -> None:
    """It ends at once, as it isn't allowed to run as root; a setting that it doesn't know is told before."""
    pgbouncer = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if pgbouncer is None:
        lacks("pgbouncer")
        return
    text = (DEPLOY / "pgbouncer" / "pgbouncer.ini").read_text()
    text = text.replace("/etc/pgbouncer/userlist.txt", str(tmp_path / "users"))
    (tmp_path / "users").write_text('"databunker" "x"\n')
    for given, told in ((text, False), (text.replace("pool_mode", "pool_mood"), True)):
        (tmp_path / "pgbouncer.ini").write_text(given)
        done = subprocess.run(
            [pgbouncer, str(tmp_path / "pgbouncer.ini")], capture_output=True, text=True, check=False, timeout=30
        )
        said = done.stdout + done.stderr
        assert ("pool_mood" in said) == told, said
        assert re.findall(r"ERROR.*", said) == [] or told, said
