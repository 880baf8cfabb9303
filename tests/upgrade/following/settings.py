"""The release after this one, as far as its database goes: one more migration of the vault."""

from databunker.settings import *  # noqa: F403

MIGRATION_MODULES = {"vault": "tests.upgrade.following.migrations"}
