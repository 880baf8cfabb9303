"""Django's command, which takes up the titles of event types and the names of tasks as well."""

from __future__ import annotations

from django.core.management.commands import makemessages

__all__ = ["Command"]


class Command(makemessages.Command):
    # Of `audit.events.register` and of `gdpr.maintenance.Task`; pages translate them where they show them.
    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=register:3", "--keyword=Task:1"]  # noqa: RUF012 - as Django has it
