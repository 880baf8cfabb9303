"""The log says what happened, in fields that we chose, and nothing that a person typed."""

from __future__ import annotations

import json
import logging
import logging.config
import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databunker.settings.logs import FIELDS, JsonFormatter, logging_config


def record(message: str = "done", *args: Any, level: int = logging.INFO, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("databunker.test", level, __file__, 1, message, args, None)
    made.__dict__.update(extra)
    return made


def line_of(made: logging.LogRecord) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(JsonFormatter().format(made))
    return line


def with_exception(raising: Any) -> logging.LogRecord:
    made = record("failed", level=logging.ERROR)
    try:
        raising()
    except Exception:  # noqa: BLE001 - whatever is raised is to be logged
        made.exc_info = sys.exc_info()
    return made


def test_a_line_is_one_json_object() -> None:
    made = record("two\nlines and “quotes”")
    text = JsonFormatter().format(made)
    assert "\n" not in text
    line = json.loads(text)
    assert line["message"] == "two\nlines and “quotes”"
    assert (line["level"], line["logger"]) == ("INFO", "databunker.test")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])


def test_only_chosen_fields_are_written() -> None:
    chosen = {name: f"value of {name}" for name in FIELDS}
    made = record(
        **chosen, path="/v1/user/email/MARKER", body="MARKER", token="MARKER", request="MARKER", data={"a": "MARKER"}
    )
    line = line_of(made)
    assert {name: line[name] for name in FIELDS} == chosen
    assert "MARKER" not in json.dumps(line)
    assert set(line) == {"time", "level", "logger", "message", *FIELDS}


def test_absent_fields_are_left_out() -> None:
    assert set(line_of(record(status=200))) == {"time", "level", "logger", "message", "status"}


def raise_marked(text: str) -> None:
    raise ValueError(text, {"text": text})


def raise_from_marked(text: str) -> None:
    try:
        raise_marked(text)
    except ValueError as error:
        raise LookupError(text) from error


def raise_with_note(text: str) -> None:
    error = RuntimeError(text)
    error.add_note(text)
    raise error


def raise_group(text: str) -> None:
    raise ExceptionGroup(text, [ValueError(text), KeyError(text)])


@pytest.mark.parametrize("raising", [raise_marked, raise_from_marked, raise_with_note, raise_group])
def test_an_exception_shows_its_type_and_place_but_never_its_text(raising: Any) -> None:
    line = line_of(with_exception(lambda: raising("MARKER")))
    assert "MARKER" not in json.dumps(line)
    assert line["exception"] in {"ValueError", "LookupError", "RuntimeError", "ExceptionGroup"}
    assert re.fullmatch(rf"test_logs\.py:\d+ {raising.__name__}", line["at"][-1].rsplit("/", 1)[-1])


@given(st.text(max_size=30), st.sampled_from([raise_marked, raise_from_marked, raise_with_note, raise_group]))
def test_no_text_of_an_exception_is_ever_logged(noise: str, raising: Any) -> None:
    text = f"MARKER{noise}MARKER"
    assert "MARKER" not in JsonFormatter().format(with_exception(lambda: raising(text)))


def test_local_variables_and_source_lines_are_not_logged() -> None:
    def deep(secret: str) -> None:
        local = secret + "MARKER"
        raise ValueError(local)  # a comment that stands in the source: SOURCE-LINE

    text = JsonFormatter().format(with_exception(lambda: deep("MARKER")))
    assert "MARKER" not in text
    assert "SOURCE-LINE" not in text


def test_a_deep_traceback_is_cut_to_its_end() -> None:
    def down(depth: int) -> None:
        if depth == 0:
            raise ValueError
        down(depth - 1)

    line = line_of(with_exception(lambda: down(50)))
    assert len(line["at"]) == 6
    assert len(set(line["at"])) == 2


def test_text_that_a_formatter_cached_before_is_not_used() -> None:
    made = with_exception(lambda: raise_marked("MARKER"))
    logging.Formatter().format(made)
    assert made.exc_text is not None
    assert "MARKER" in made.exc_text
    assert "MARKER" not in JsonFormatter().format(made)


def test_no_exception_in_hand_is_no_exception_in_the_line() -> None:
    made = record()
    made.exc_info = (None, None, None)
    assert "exception" not in line_of(made)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_message_stays_one_line_that_reads_back(message: str) -> None:
    text = JsonFormatter().format(record("%s", message))
    assert len(text.split("\n")) == 1
    assert json.loads(text)["message"] == message


def test_the_configuration_is_valid_and_its_level_is_the_one_asked_for() -> None:
    config = logging_config("WARNING")
    assert config["root"]["level"] == "WARNING"
    assert config["formatters"]["json"]["()"] is JsonFormatter
    assert config["handlers"]["stderr"]["formatter"] == "json"
    logging.config.DictConfigurator(config)


@pytest.mark.parametrize("name", ["django.request", "django.security", "django.db.backends", "django.server"])
def test_loggers_that_write_paths_or_statements_are_silent(name: str) -> None:
    quiet = logging_config("DEBUG")["loggers"][name]
    assert quiet["propagate"] is False
    assert quiet["handlers"] == []
    # As it is set up in this very process:
    logger = logging.getLogger(name)
    assert not logger.propagate
    assert not logger.isEnabledFor(logging.ERROR)
