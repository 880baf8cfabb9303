"""This release's migrations of the vault, and one that a next release might have."""

from pathlib import Path

import vault.migrations

# Those of this release are found under this name, too.
__path__ = [str(Path(__file__).parent), *vault.migrations.__path__]
