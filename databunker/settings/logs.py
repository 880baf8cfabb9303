"""One JSON object a line on standard error. What is logged is chosen by us, field by field.

Django's own request loggers are off: they write paths, and our paths hold e-mail addresses and tokens.
Exceptions are logged by type and place only, because a message may quote what a person typed.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from typing import Any

__all__ = ["JsonFormatter", "logging_config"]

FIELDS = ("request_id", "route", "method", "status", "seconds", "actor", "error", "task", "done")


class JsonFormatter(logging.Formatter):
    """Time, level, logger, message and those of `FIELDS` that the record carries."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["at"] = [
                f"{frame.filename.rsplit('/', 3)[-1]}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])[-6:]
            ]
        return json.dumps(line, ensure_ascii=False)


def logging_config(level: str) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            name: {"handlers": [], "propagate": False, "level": "CRITICAL"}
            for name in ("django.request", "django.security", "django.db.backends", "django.server")
        },
    }
