"""What wrk prints is read right, and what would make a wrong figure is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from benchmarks import wrk
from benchmarks.errors import HarnessError

PRINTED = """Running 8s test @ http://127.0.0.1:3000
  2 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     6.40ms    2.10ms  41.02ms   82.11%
    Req/Sec     1.25k   110.21     1.51k    71.25%
  20000 requests in 8.00s, 18.31MB read
Requests/sec:   2500.00
Transfer/sec:      2.29MB
OUTCOME {}
"""


def outcome(**changed: object) -> str:
    found = {
        "requests": 20_000, "microseconds": 8_000_000, "p50": 6_250, "p99": 14_875,
        "connect": 0, "read": 0, "write": 0, "status": 0, "timeout": 0, "ran_out": False,
    }  # fmt: skip
    return PRINTED.replace("OUTCOME {}", f"OUTCOME {json.dumps({**found, **changed})}")


def test_rate_and_latencies():
    found = wrk.parse(outcome())
    assert (found.rate, found.p50_ms, found.p99_ms) == (2_500, 6.25, 14.875)
    assert (found.requests, found.errors, found.error_kinds) == (20_000, 0, "")


def test_wrong_answers_are_errors_and_no_part_of_the_rate():
    found = wrk.parse(outcome(status=4_000, read=3, timeout=2))
    assert found.rate == 2_000
    assert found.errors == 4_005
    assert found.error_kinds == "3 read, 4000 status, 2 timeout"


def test_a_run_that_had_too_few_requests_is_refused():
    with pytest.raises(HarnessError, match="ran out"):
        wrk.parse(outcome(ran_out=True))


@pytest.mark.parametrize("text", ["", "unable to connect to 127.0.0.1:3000 Connection refused", PRINTED * 2])
def test_text_without_one_outcome_is_refused(text: str):
    with pytest.raises(HarnessError, match="no outcome"):
        wrk.parse(text.replace("OUTCOME {}", "" if text.count("OUTCOME") == 1 else "OUTCOME {}"))


def test_one_connection_has_one_thread_and_more_never_have_more_than_two():
    assert [wrk.threads_for(connections) for connections in (1, 2, 8, 64)] == [1, 2, 2, 2]


def test_the_command_names_threads_to_wrk_and_to_its_script_alike():
    command = wrk.command(
        "http://127.0.0.1:1", Path("requests.tsv"), order="once", connections=16, seconds=2.6, token="T", seed=7
    )
    assert command[:9] == ["wrk", "-t", "2", "-c", "16", "-d", "3s", "--timeout", "10s"]
    assert command[-5:] == ["--", "requests.tsv", "once", "2", "7"]
    assert "X-Bunker-Token: T" in command


def test_the_script_of_wrk_is_where_the_command_says():
    assert wrk.REPLAY.is_file()


def test_a_program_that_fails_is_told_of():
    false = shutil.which("false")
    assert false is not None
    with pytest.raises(HarnessError, match="wrk failed"):
        wrk.run([false])
