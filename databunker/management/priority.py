"""Which runs of a command give way to the server."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from databunker.priority import give_way

__all__ = ["run_behind"]


def run_behind(command: BaseCommand) -> None:
    """`give_way`, for a command that goes through all that a vault has. The priority of a program that calls it by
    Django's `call_command` is that program's affair.
    """
    if getattr(command, "_called_from_command_line", False):
        give_way()
