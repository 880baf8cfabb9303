from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from databunker.access import scopes
from databunker.access.actor import operator
from databunker.access.models import TokenKind
from databunker.access.roles import Role
from databunker.access.scopes import Scope
from databunker.errors import VaultError
from databunker.ids import unix_now
from databunker.watch.incidents import IncidentView, unusual_tokens
from vault.actions import issue_token, narrow_token, revoke_token
from vault.queries import TokenView, list_tokens

_DAY = 86_400
_MAX_DAYS = 36_500
_MAX_LABEL = 100


class Command(BaseCommand):
    help = "Issue, list, narrow and revoke the access tokens that applications call the API with (docs/access.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="issue a token and print it once")
        create.add_argument("--label", required=True, help="what the token is for; no personal data")
        create.add_argument("--days", type=int, help="how long it lives (default: for ever)")
        create.add_argument("--root", action="store_true", help="a root token rather than an application's")
        _add_scope(create)
        verbs.add_parser(
            "list", help="show every token's number, kind, label, state, last use and scope, never its text"
        )
        narrow = verbs.add_parser(
            "narrow", help="give a token another scope; with no option: none, it may do everything"
        )
        narrow.add_argument("number", type=int, help="its number, as `list` shows it")
        _add_scope(narrow)
        revoke = verbs.add_parser("revoke", help="refuse a token from now on")
        revoke.add_argument("number", type=int, help="its number, as `list` shows it")

    def handle(self, *, verb: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb}")(options)
        except VaultError as error:
            raise CommandError(error.message) from error

    def _create(self, options: dict[str, Any]) -> None:
        days = options["days"]
        if days is not None and not 1 <= days <= _MAX_DAYS:
            raise CommandError(f"--days must be from 1 to {_MAX_DAYS}")
        if len(options["label"]) > _MAX_LABEL:
            raise CommandError(f"--label has at most {_MAX_LABEL} characters")
        text, row = issue_token(
            operator(),
            kind=TokenKind.ROOT if options["root"] else TokenKind.ADMIN,
            label=options["label"],
            expires=None if days is None else unix_now() + days * _DAY,
            scope=_scope(options),
        )
        self.stdout.write(f"Access token {row.pk}. It is not shown again:\n\n    {text}\n")

    def _list(self, _: dict[str, Any]) -> None:
        unusual = unusual_tokens(operator().tenant)
        for token in list_tokens(operator()):
            self.stdout.write(
                f"{token.number:>6}  {token.kind:<6} {_state(token):<22} {_used(token):<21} {token.label}"
            )
            for line in [*_scope_lines(token.scope), *_incident_lines(unusual.get(token.number))]:
                self.stdout.write(f"{'':>8}{line}")

    def _narrow(self, options: dict[str, Any]) -> None:
        scope = _scope(options)
        narrow_token(operator(), row=options["number"], scope=scope)
        self.stdout.write(
            f"{'Narrowed' if scope else 'No longer narrowed'}. Running servers follow within AUTH_CACHE_SECONDS."
        )

    def _revoke(self, options: dict[str, Any]) -> None:
        revoke_token(operator(), row=options["number"])
        self.stdout.write("Revoked. Running servers refuse it within AUTH_CACHE_SECONDS.")


def _add_scope(parser: ArgumentParser) -> None:
    roles = ", ".join(role.value for role in Role)
    lists = parser.add_argument_group("scope", "each option may be repeated; one that is left out doesn't narrow")
    for name, metavar, meaning in (
        ("allow", "PERMISSION", f"a permission such as record.read, or a role: {roles}"),
        ("route", "ROUTE", "a route, as `GET /v1/user/{mode}/{identity}` or without its method"),
        ("field", "PATH", "a field that it sees: email, name.first; app:shop, app:shop.size; session:*"),
        ("address", "NETWORK", "a client address or network, such as 10.1.0.0/16"),
        ("purpose", "NAME", "what it may be used for: callers send it as X-Bunker-Purpose"),
    ):
        lists.add_argument(f"--{name}", action="append", default=[], metavar=metavar, help=meaning)
    lists.add_argument("--masked", action="store_true", help="it reads masked values only, and changes nothing")
    lists.add_argument("--limit", default="", help="so many calls in so much time, such as 100/60s")


def _scope(options: dict[str, Any]) -> Scope | None:
    return scopes.make(
        allow=options["allow"],
        routes=options["route"],
        fields=options["field"],
        addresses=options["address"],
        purposes=options["purpose"],
        masked=options["masked"],
        limit=options["limit"],
    )


def _scope_lines(scope: Scope | None) -> list[str]:
    if scope is None:
        return []
    lists = {name: getattr(scope, name) for name in ("allow", "routes", "fields", "addresses", "purposes")}
    lines = [f"{name}: {', '.join(entries)}" for name, entries in lists.items() if entries]
    if scope.masked:
        lines.append("masked")
    if scope.limit:
        lines.append(f"limit: {scope.limit}")
    return lines


def _incident_lines(incident: IncidentView | None) -> list[str]:
    if incident is None:
        return []
    since = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(incident.start))
    return [f"UNUSUAL since {since}: {incident.kind.label}, {incident.people:,} people"]


def _state(token: TokenView) -> str:
    if token.revoked is not None:
        return f"revoked {_day(token.revoked)}"
    if token.expires is None:
        return "valid"
    return f"{'expired' if token.expires <= unix_now() else 'until'} {_day(token.expires)}"


def _used(token: TokenView) -> str:
    return "never used" if token.last_used is None else f"last used {_day(token.last_used)}"


def _day(seconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))
