"""Django's command, which takes up the titles of event types as well."""

from __future__ import annotations

from django.core.management.commands import makemessages

__all__ = ["Command"]


class Command(makemessages.Command):
    # The third argument of `audit.events.register`; pages translate it where they show it.
    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=register:3"]  # noqa: RUF012 - as Django has it
