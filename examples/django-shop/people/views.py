from __future__ import annotations

from django.contrib.auth import login, logout
from django.contrib.auth.decorators import login_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from .forms import DeleteForm, ProfileForm, SignInForm, SignUpForm
from .models import Person
from .vault import vault
from .vault_client import Taken

TAKEN = "Somebody has signed up with this e-mail or phone already."


@never_cache
@sensitive_post_parameters()
@sensitive_variables()
def sign_up(request: HttpRequest) -> HttpResponse:
    form = SignUpForm(request.POST or None)
    if form.is_valid():
        try:
            token = vault().create({name: value for name, value in form.profile().items() if value})
        except Taken:
            form.add_error(None, TAKEN)
        else:
            login(request, _account(token, form.cleaned_data["password"]))
            return redirect("profile")
    return render(request, "people/sign_up.html", {"form": form})


def _account(token: str, password: str) -> Person:
    """The row of ours. Where it can't be made, the vault forgets whom nobody refers to."""
    try:
        return Person.objects.create_user(token, password)
    except DatabaseError:
        vault().forget(token)
        raise


@never_cache
@sensitive_post_parameters()
def sign_in(request: HttpRequest) -> HttpResponse:
    form = SignInForm(request.POST or None)
    if form.is_valid():
        login(request, form.person)
        return redirect("profile")
    return render(request, "people/sign_in.html", {"form": form})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign-in")


@never_cache
@login_required
@sensitive_post_parameters()
@sensitive_variables()
def profile(request: HttpRequest) -> HttpResponse:
    if not request.user.profile:  # forgotten in the vault's portal or console
        return _farewell(request)
    form = ProfileForm(request.POST or None, initial=request.user.profile)
    if form.is_valid() and form.has_changed():
        try:
            vault().change(str(request.user.token), {name: form.profile()[name] for name in form.changed_data})
        except Taken:
            form.add_error(None, TAKEN)
    if request.method == "POST" and not form.errors:
        return redirect("profile")
    return render(request, "people/profile.html", {"form": form})


@never_cache
@login_required
@sensitive_post_parameters()
def delete(request: HttpRequest) -> HttpResponse:
    """First the vault, then the row: should the second fail, the same again does both; forgetting twice is no fault."""
    form = DeleteForm(request.user, request.POST or None)
    if form.is_valid():
        vault().forget(str(request.user.token))
        return _farewell(request)
    return render(request, "people/delete.html", {"form": form})


def _farewell(request: HttpRequest) -> HttpResponse:
    person = request.user
    logout(request)
    Person.objects.filter(pk=person.pk).delete()
    return render(request, "people/deleted.html")
