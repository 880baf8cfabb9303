"""These take minutes, as they ask thousands of questions and start a browser: `make test-openapi` runs them."""

from __future__ import annotations

import os

collect_ignore_glob = [] if "OPENAPI_EXAMPLES" in os.environ else ["test_*.py"]
