"""The product's settings with an empty view in the place of its routes, and nothing around it; see `empty.py`."""

from databunker.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.empty"
MIDDLEWARE = []
