"""gunicorn's log in the product's own form, without what a request held."""

from __future__ import annotations

import logging
from typing import Any

from gunicorn import glogging

__all__ = ["ServerLog"]


class ServerLog(glogging.Logger):  # type: ignore[misc] # gunicorn has no types
    """Messages go to the root logger, which writes JSON. Texts that quote a request line are replaced."""

    def setup(self, cfg: Any) -> None:
        self.loglevel = logging.INFO
        self.cfg = cfg
        self.error_log.propagate = True
        # gunicorn's debug messages are request lines, whatever LOG_LEVEL is.
        self.error_log.setLevel(logging.INFO)
        self.error_log.handlers = []

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:
        """Nothing: paths hold e-mail addresses and tokens. The audit trail has every call."""

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        if msg.startswith("Invalid request"):
            msg, args = "invalid HTTP request", ()
        super().warning(msg, *args, **kwargs)

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """The arguments are methods and URIs: a path may be an e-mail address."""
        super().exception(msg if isinstance(msg, str) and not args else "error handling a request", **kwargs)
