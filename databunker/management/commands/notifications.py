from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from databunker.access.actor import operator
from databunker.errors import VaultError
from databunker.ids import parse_token
from databunker.notify.kinds import SWITCHES
from databunker.notify.models import JobState
from vault.actions import drop_notifications, replay_notifications
from vault.queries import count_notifications, list_notifications


class Command(BaseCommand):
    help = "Show webhooks, mails and text messages that wait or that nobody took; send those again, or drop them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("status", help="how many wait and how many are dead, of each kind")
        listed = verbs.add_parser("list", help="the dead letters, never what they say")
        listed.add_argument("--waiting", action="store_true", help="those that wait, instead")
        listed.add_argument("--limit", type=int, default=100, help="show no more than so many (default: 100)")
        for verb, help_ in (("replay", "try dead letters again"), ("drop", "delete dead letters")):
            settled = verbs.add_parser(verb, help=help_)
            settled.add_argument("ids", nargs="*", metavar="id", help="as `list` shows them")
            settled.add_argument("--all", action="store_true", help="every dead letter")

    def handle(self, *, verb: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb}")(options)
        except VaultError as error:
            raise CommandError(error.message) from error

    def _status(self, _: dict[str, Any]) -> None:
        for name, setting in SWITCHES.items():
            state = "on" if getattr(settings, setting) else f"off: {setting} is unset"
            self.stdout.write(f"{name:<8} {state}")
        for row in count_notifications(operator()):
            self.stdout.write(f"{row.number:>8} {row.kind} {row.state.label}, the oldest of {_time(row.oldest)}")

    def _list(self, options: dict[str, Any]) -> None:
        state = JobState.DUE if options["waiting"] else JobState.DEAD
        _, found = list_notifications(operator(), state=state, offset=0, limit=max(options["limit"], 0))
        for job in found:
            what = f"{job.kind} {job.topic}".strip()
            when = (
                f"next at {_time(job.next_attempt)}" if options["waiting"] else f"dead since {_time(job.next_attempt)}"
            )
            error = f", {job.last_error}" if job.last_error else ""
            self.stdout.write(f"{job.id}  {what:<22} of {_time(job.created)}, attempts {job.attempts}, {when}{error}")

    def _replay(self, options: dict[str, Any]) -> None:
        count = replay_notifications(operator(), ids=_chosen(options))
        self.stdout.write(f"{count} to be tried again.")

    def _drop(self, options: dict[str, Any]) -> None:
        count = drop_notifications(operator(), ids=_chosen(options))
        self.stdout.write(f"{count} dropped.")


def _chosen(options: dict[str, Any]) -> list[UUID] | None:
    """The ids, or None for all.

    Raises:
        CommandError: neither, both, or no ids.
    """
    if options["all"] == bool(options["ids"]):
        raise CommandError("give the ids of dead letters, or --all")
    if options["all"]:
        return None
    ids = [parse_token(text) for text in options["ids"]]
    if None in ids:
        raise CommandError("an id is a UUID as `notifications list` shows it")
    return [job_id for job_id in ids if job_id is not None]


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))
