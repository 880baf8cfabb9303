"""Accounts and their roles, for administrators."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from databunker.access.permissions import Permission
from databunker.access.roles import Role
from databunker.accounts import actions, queries
from databunker.accounts.queries import AccountView
from databunker.errors import BadRequest, Conflict
from databunker.pages.errors import explained

from .forms import ROLE_NAMES, NewAccountForm, RoleForm
from .pages import ConsolePage

__all__ = ["Account", "Accounts", "Disable", "Enable", "NewAccount", "ResetFactor", "ResetPassword", "SetRole"]

_UNPROCESSABLE = 422


class Accounts(ConsolePage):
    template_name = "console/accounts.html"
    section = "accounts"
    permission = Permission.ACCOUNT_READ

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        rows = [(account, ROLE_NAMES[Role(account.role)]) for account in queries.list_accounts(self.actor)]
        return self.render(rows=rows, manages=self.may(Permission.ACCOUNT_MANAGE))


class NewAccount(ConsolePage):
    template_name = "console/new_account.html"
    section = "accounts"
    permission = Permission.ACCOUNT_MANAGE
    dangerous = True

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.render(form=NewAccountForm(initial={"role": Role.DPO.value}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NewAccountForm(request.POST)
        if form.is_valid():
            try:
                made = actions.create_account(self.actor, **form.cleaned_data)
            except (BadRequest, Conflict) as error:
                form.add_error("name", explained(error))
            else:
                name = form.cleaned_data["name"]
                return self.render("console/first_password.html", name=name, account=made.id, password=made.password)
        return self.render(form=form, status=_UNPROCESSABLE)


class _OneAccount(ConsolePage):
    section = "accounts"
    permission = Permission.ACCOUNT_MANAGE
    dangerous = True

    def _back(self, account: int, told: str) -> HttpResponse:
        messages.success(self.request, told)
        return self.to("console:account", account)


class Account(ConsolePage):
    template_name = "console/account.html"
    section = "accounts"
    permission = Permission.ACCOUNT_READ

    def get(self, request: HttpRequest, account: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        found = queries.read_account(self.actor, account=account)
        return self.render(**self._context(found))

    def _context(self, found: AccountView) -> dict[str, Any]:
        own = self.account is not None and self.account.id == found.id
        return {
            "found": found,
            "role": ROLE_NAMES[Role(found.role)],
            "manages": self.may(Permission.ACCOUNT_MANAGE) and not own,
            "own": own,
            "form": RoleForm(initial={"role": found.role}),
        }


class SetRole(_OneAccount):
    def post(self, request: HttpRequest, account: int) -> HttpResponse:
        form = RoleForm(request.POST)
        if not form.is_valid():
            raise BadRequest
        actions.set_role(self.actor, account=account, role=form.cleaned_data["role"])
        return self._back(account, _("The role is changed."))


class Disable(_OneAccount):
    def post(self, request: HttpRequest, account: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        actions.disable_account(self.actor, account=account)
        return self._back(account, _("The account is disabled, and its sessions have ended."))


class Enable(_OneAccount):
    def post(self, request: HttpRequest, account: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        actions.enable_account(self.actor, account=account)
        return self._back(account, _("The account can sign in again."))


class ResetPassword(_OneAccount):
    def post(self, request: HttpRequest, account: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        password = actions.reset_account(self.actor, account=account, factor=False)
        name = queries.read_account(self.actor, account=account).name
        return self.render("console/first_password.html", name=name, account=account, password=password)


class ResetFactor(_OneAccount):
    def post(self, request: HttpRequest, account: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        actions.reset_account(self.actor, account=account, password=False)
        return self._back(account, _("The account has no second factor any more, and its sessions have ended."))
