"""The product's settings with a fixed master key and no `.env` file, on the database that DATABASE_URL names."""

import os
import tempfile
from pathlib import Path

os.environ["DATABUNKER_ENV_FILE"] = ""
os.environ.setdefault("DATABUNKER_MASTERKEY", "8f1d7a64c2b95e30d4a8716f0be3925cc47d10ea9b5f36283d9c0e5fa1746bb8")
os.environ.setdefault("AUTH_CACHE_SECONDS", "5")
# All tests come from one address, and are refused more often than anybody; the tests of these limits set them.
os.environ["FAILED_CALLS_PER_ADDRESS"] = os.environ["ANONYMOUS_CALLS_PER_ADDRESS"] = ""

from databunker.settings import *  # noqa: F403
from databunker.settings import DATABASES

# The algorithm is the product's, its cost is not: no test waits for it.
PASSWORD_HASHERS = ["tests.support.passwords.QuickHasher"]

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, as in production: WAL and its locks don't exist in memory.
    folder = Path(tempfile.mkdtemp(prefix="databunker-tests-"))
    DATABASES["default"]["TEST"] = {"NAME": str(folder / "test.sqlite3")}
