"""`manage.py audit` as an operator runs it."""

from __future__ import annotations

import io
import json
import uuid
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from audit.models import Event, Leaf
from tests.support.trail import sealed, written

pytestmark = pytest.mark.usefixtures("vault")


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("audit", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def refused(*arguments: str) -> CommandError:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    return caught.value


def test_seal_says_how_many() -> None:
    written(3)
    assert run("seal") == "3 events sealed.\n"
    assert run("seal") == "0 events sealed.\n"


def test_seal_names_what_it_refuses() -> None:
    events = written(3)
    Event.objects.filter(pk=events[1]).update(outcome=2)
    error = refused("seal")
    assert str(events[1]) in str(error)
    assert error.returncode == 1
    assert Leaf.objects.count() == 2


def test_prove_prints_a_document() -> None:
    (event,) = written(1)
    sealed()
    document: dict[str, Any] = json.loads(run("prove", str(event)))
    assert document["event"]["id"] == str(event)
    assert document["position"] == 0


def test_prove_says_why_not() -> None:
    (event,) = written(1)
    assert "not sealed yet" in str(refused("prove", str(event)))
    sealed()
    assert "event not found" in str(refused("prove", str(uuid.uuid4())))
    assert "UUID" in str(refused("prove", "that one"))
    assert refused("prove", str(uuid.uuid4())).returncode == 2


def test_public_key_prints_the_key_that_signs() -> None:
    assert "nothing was sealed yet" in str(refused("public-key"))
    written(1)
    sealed()
    key = run("public-key").strip()
    assert key.startswith("databunker/")
    assert run("public-key", "--all").split() == [key]
