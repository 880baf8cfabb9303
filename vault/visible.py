"""What of a person's data the holder of a narrowed access token sees, and may change.

A token that is limited to fields finds the others absent, and is refused where it would store, change, delete or test
them. Of applications' data and of sessions it sees nothing unless its scope names them. A masked token sees what it may
see through `masking`. Everyone else gets the very bytes that are stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from databunker import jsontext
from databunker.access.actor import Actor
from databunker.access.permissions import Permission
from databunker.errors import AccessDenied

from . import masking
from .models import Session
from .patch import equal
from .records import OpenRecord, RecordRow
from .sessions import OpenSession
from .shares import OpenShare, Terms

__all__ = [
    "SESSION",
    "app_data",
    "app_names",
    "app_source",
    "change_seen",
    "document",
    "identity",
    "looking",
    "masks",
    "narrows",
    "nothing_of",
    "profile",
    "record",
    "require_change",
    "require_fields",
    "require_steps",
    "require_terms",
    "require_whole",
    "sees_app",
    "session",
    "session_data",
    "share",
    "words",
]

# A tree of names: what is below a name is visible as the tree says, all of it where that is None.
Tree = Mapping[str, "Tree | None"]
_EVERYTHING: Tree = {"*": None}
PROFILE, SESSION = "", "session"


def narrows(actor: Actor) -> bool:
    """Whether the actor sees less than there is."""
    scope = actor.scope
    return scope is not None and (scope.masked or bool(scope.fields))


def masks(actor: Actor) -> bool:
    """Whether the actor sees values masked."""
    return actor.scope is not None and actor.scope.masked


def looking(actor: Actor, *needed: Permission) -> Actor:
    """The actor with the eyes that it has where one of these permissions is needed: without it sees values masked."""
    scope = actor.scope
    if scope is None or not scope.permissions.isdisjoint(needed):
        return actor
    return replace(actor, scope=replace(scope, masked=True))


# --- reading ---------------------------------------------------------------------------------------------------------


class _Shown(OpenRecord):
    """A record whose profile is what an actor may see of it. Nothing is ever written from it."""

    __slots__ = ("_actor", "_shown")

    def __init__(self, row: RecordRow, actor: Actor) -> None:
        super().__init__(row)
        self._actor = actor
        self._shown: bytes | None = None

    @property
    def profile_json(self) -> bytes:
        if self._shown is None:
            self._shown = profile(self._actor, super().profile_json)
        return self._shown


def record(actor: Actor, found: OpenRecord) -> OpenRecord:
    """The record as `actor` may see it: to be shown, not to be worked with."""
    return _Shown(found.row, actor) if narrows(actor) else found


class _Withheld(OpenRecord):
    """A record whose profile is not shown at all."""

    __slots__ = ()

    @property
    def profile_json(self) -> bytes:
        return b"{}"


def nothing_of(found: OpenRecord) -> OpenRecord:
    """The record with an empty profile: to be shown, not to be worked with."""
    return _Withheld(found.row)


class _ShownSession(OpenSession):
    """A session likewise."""

    def __init__(self, stored: Session, holder: OpenRecord | None, actor: Actor) -> None:
        super().__init__(stored, holder)
        self._actor = actor

    @property
    def data_json(self) -> bytes:
        return session_data(self._actor, super().data_json)


def session(actor: Actor, found: OpenSession) -> OpenSession:
    """The session as `actor` may see it."""
    return _ShownSession(found.stored, found.holder, actor) if narrows(actor) else found


def share(actor: Actor, found: OpenShare) -> bool:
    """Whether `actor` may know of a share: by its id anybody reads all that it holds."""
    scope = actor.scope
    if scope is None or not narrows(actor):
        return True
    return not scope.masked and _all_inside(actor, found.terms.fields, _shared(found.terms))


def _shared(terms: Terms) -> str:
    return SESSION if terms.session else app_source(terms.app)


def profile(actor: Actor, content: bytes) -> bytes:
    """A profile as compact JSON."""
    return _content(actor, content, PROFILE)


def app_data(actor: Actor, app: str, content: bytes) -> bytes:
    """What an application keeps, as compact JSON."""
    return _content(actor, content, app_source(app))


def session_data(actor: Actor, content: bytes) -> bytes:
    """A session's data, as compact JSON."""
    return _content(actor, content, SESSION)


def _content(actor: Actor, content: bytes, what: str) -> bytes:
    return jsontext.dumps(document(actor, jsontext.loads(content), what)) if narrows(actor) else content


def document(actor: Actor, found: Any, what: str = PROFILE) -> Any:
    """A profile, or the part of one; `what` is PROFILE, SESSION, or of an application as `change_seen` says it."""
    scope = actor.scope
    if scope is None:
        return found
    if scope.fields:
        found = _picked(found, _tree(scope.fields, what))
    return masking.masked(found) if scope.masked else found


def identity(actor: Actor, mode: str, value: str) -> str:
    """What somebody was looked up by, or is named by: empty where the actor may not see that field."""
    if not (narrows(actor) and value):
        return value
    shown = document(actor, {mode: value}).get(mode, "") if mode != "token" else value
    return str(shown)


def words(actor: Actor, text: str) -> str:
    """What somebody has written, and may hold anything."""
    scope = actor.scope
    if scope is None or not text:
        return text
    if scope.fields:
        return ""
    return masking.MASK if scope.masked else text


def sees_app(actor: Actor, app: str) -> bool:
    """Whether the actor sees anything of this application's data."""
    scope = actor.scope
    return scope is None or not scope.fields or bool(_tree(scope.fields, app_source(app)))


def app_names(actor: Actor, names: Iterable[str]) -> list[str]:
    return [name for name in names if sees_app(actor, name)]


def change_seen(actor: Actor, change: Any, *, app: str = "") -> Any:
    """A merge patch or JSON Patch that somebody asks for, of the profile or of an application's data."""
    what = app_source(app)
    if not narrows(actor):
        return change
    if isinstance(change, list):
        return [_step_seen(actor, step, what) for step in change if _is_inside(actor, step, what)]
    return document(actor, change, what) if isinstance(change, dict) else change


def _step_seen(actor: Actor, step: Any, what: str) -> Any:
    """With its value as the actor may see it there."""
    if "value" not in step:
        return step
    names = _names(step["path"])
    nested: Any = step["value"]
    for name in reversed(names):
        nested = {name: nested}
    shown = document(actor, nested, what)
    for name in names:
        shown = shown.get(name) if isinstance(shown, dict) else None
    return {**step, "value": shown}


# --- changing --------------------------------------------------------------------------------------------------------


def require_fields(actor: Actor, new: Any, what: str = PROFILE) -> None:
    """
    Raises:
        AccessDenied: `new` has something that is outside of the actor's fields.
    """
    require_change(actor, {}, new, what=what)


def require_change(
    actor: Actor, before: Any, after: Any, *, app: str = "", what: str = PROFILE, subject: bytes | None = None
) -> None:
    """`subject` is whom it is about.

    Raises:
        AccessDenied: `after` differs from `before` outside of the actor's fields.
    """
    scope = actor.scope
    if scope is None or not scope.fields:
        return
    tree = _tree(scope.fields, app_source(app) or what)
    if not equal(_outside(before, tree), _outside(after, tree)):
        raise AccessDenied(_NOT_THESE, subject=subject)


_NOT_THESE = "the access token may not change these fields"


def require_steps(actor: Actor, change: Any, *, app: str = "", subject: bytes | None = None) -> None:
    """To be asked before a JSON Patch is applied: a test tells what stands in a field, a copy puts it where it is seen.

    Raises:
        AccessDenied: a step points outside of the actor's fields.
    """
    what = app_source(app)
    if isinstance(change, list) and not all(_is_inside(actor, step, what) for step in change):
        raise AccessDenied(_NOT_THESE, subject=subject)


def require_whole(actor: Actor, *, app: str = "", what: str = PROFILE, subject: bytes | None = None) -> None:
    """
    Raises:
        AccessDenied: there may be something in it that is outside of the actor's fields.
    """
    if not _all_inside(actor, (), app_source(app) or what):
        raise AccessDenied(_NOT_THESE, subject=subject)


def require_terms(actor: Actor, terms: Terms) -> None:
    """
    Raises:
        AccessDenied: others would see by the share what the actor may not.
    """
    if not _all_inside(actor, terms.fields, _shared(terms)):
        raise AccessDenied("the access token may not share these fields")


def _all_inside(actor: Actor, paths: Sequence[str], what: str) -> bool:
    """Whether the whole of each of these dotted paths is within the actor's fields; without any, the whole of it."""
    scope = actor.scope
    if scope is None or not scope.fields:
        return True
    tree = _tree(scope.fields, what)
    # The person's token is no field: whoever may read the person knows it.
    return all(path == "token" or _has(tree, path.split(".")) for path in paths) if paths else _has(tree, [])


def _is_inside(actor: Actor, step: Any, what: str) -> bool:
    """Whether all that a step of a JSON Patch points to is within the actor's fields."""
    scope = actor.scope
    if scope is None or not scope.fields or not isinstance(step, dict):
        return scope is None or not scope.fields
    tree = _tree(scope.fields, what)
    return all(_has(tree, _names(step[key])) for key in ("path", "from") if key in step)


def _has(tree: Tree | None, names: list[str]) -> bool:
    """Whether the whole of what the names lead to is in the tree."""
    for name in names:
        if tree is None or tree is _EVERYTHING:
            return True
        if name.isdecimal() or name == "-":
            continue  # an element of a list: the tree knows only names
        if name not in tree:
            return False
        tree = tree[name]
    return tree is None or tree is _EVERYTHING


def _names(pointer: Any) -> list[str]:
    """The reference tokens of a JSON Pointer (RFC 6901)."""
    if not isinstance(pointer, str):
        return []
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


# --- fields as a tree ------------------------------------------------------------------------------------------------


def app_source(name: str) -> str:
    """What `document` takes for the data of this application; of none the profile."""
    return f"app:{name}" if name else PROFILE


@lru_cache(maxsize=4096)
def _tree(fields: tuple[str, ...], what: str) -> Tree:
    """The fields of one document: of a profile, of one application's data, of a session."""
    tree: dict[str, Any] = {}
    for field in fields:
        kind, colon, rest = field.partition(":")
        if not colon:
            path = field if what == PROFILE else None
        elif kind == "session":
            path = rest if what == SESSION else None
        else:
            app, _, path = rest.partition(".")
            path = (path or "*") if what == app_source(app) else None
        if path == "*":
            return _EVERYTHING
        if path is not None:
            _grow(tree, path.split("."))
    return tree


def _grow(tree: dict[str, Any], path: list[str]) -> None:
    *parents, last = path
    for name in parents:
        below = tree.setdefault(name, {})
        if below is None:
            return  # all of it is in already
        tree = below
    tree[last] = None


def _picked(value: Any, tree: Tree | None) -> Any:
    """What of `value` is in the tree; of what is no object but would have to be, nothing."""
    if tree is None or tree is _EVERYTHING:
        return value
    if isinstance(value, list):
        return [_picked(part, tree) for part in value if isinstance(part, dict | list)]
    if not isinstance(value, dict):
        return {}
    found = {}
    for name, below in tree.items():
        if name in value and (below is None or isinstance(value[name], dict | list)):
            found[name] = _picked(value[name], below)
    return found


def _outside(value: Any, tree: Tree | None) -> Any:
    """What of `value` is not in the tree; objects of which nothing is left count as absent."""
    if tree is None or tree is _EVERYTHING:
        return {}
    if isinstance(value, list):
        return [_outside(part, tree) for part in value]
    if not isinstance(value, dict):
        return value
    left = {name: _outside(part, tree[name]) if name in tree else part for name, part in value.items()}
    return {name: part for name, part in left.items() if part != {} or name not in tree}
