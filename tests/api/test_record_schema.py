"""USER_SCHEMA_FILE: what a profile must hold, and what of it may change or stays for good."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.api.helpers import assert_refused, contents
from tests.conftest import Api
from vault import checks

MARKER = "Zx9marker"

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["login"],
    "properties": {
        "login": {"type": "string", "minLength": 3},
        "birth": {"type": "string", "format": "date", "locked": True},
        "role": {"enum": ["user", "editor"], "admin": True},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tax_id": {"type": "string", "preserve": True},
        "email": {"type": "string"},
        "tags": {"type": "array", "maxItems": 2, "uniqueItems": True, "items": {"type": "string"}},
        "address": {
            "type": "object",
            "required": ["country"],
            "additionalProperties": False,
            "properties": {
                "country": {"$ref": "#/$defs/country", "preserve": True},
                "city": {"type": "string"},
                "register": {"type": "object", "properties": {"number": {"type": "integer", "locked": True}}},
            },
        },
    },
    "$defs": {"country": {"type": "string", "pattern": "^[A-Z]{2}$"}},
}

GOOD = {
    "login": "ann",
    "birth": "1990-02-28",
    "role": "user",
    "age": 35,
    "tax_id": "T-1",
    "address": {"country": "GB", "city": "London", "register": {"number": 7}},
}


@pytest.fixture
def use_schema(settings: Any, tmp_path: Path) -> Callable[[Any], None]:
    """Put a schema (or the very bytes of a file) in force."""
    count = iter(range(100))

    def use(schema: Any) -> None:
        path = tmp_path / f"schema{next(count)}.json"
        path.write_bytes(schema if isinstance(schema, bytes) else orjson.dumps(schema))
        settings.USER_SCHEMA_FILE = str(path)

    return use


@pytest.fixture
def schema_api(api: Api, use_schema: Callable[[Any], None]) -> Api:
    use_schema(SCHEMA)
    return api


# --- what fits -------------------------------------------------------------------------------------------------------


MISFITS: list[tuple[dict[str, Any], str]] = [
    ({"email": MARKER}, "/: required field is missing: login"),
    ({"login": 5}, "/login: must be of type string"),
    ({"login": "x"}, "/login: breaks the rule 'minLength'"),
    ({"login": "ann", "birth": MARKER}, "/birth: breaks the rule 'format'"),
    ({"login": "ann", "birth": "1990-02-30"}, "/birth: breaks the rule 'format'"),
    ({"login": "ann", "role": MARKER}, "/role: breaks the rule 'enum'"),
    ({"login": "ann", "age": 151}, "/age: breaks the rule 'maximum'"),
    ({"login": "ann", "age": 1.5}, "/age: must be of type integer"),
    ({"login": "ann", "age": True}, "/age: must be of type integer"),
    ({"login": "ann", "tags": ["a", MARKER, "c"]}, "/tags: breaks the rule 'maxItems'"),
    ({"login": "ann", "tags": [MARKER, MARKER]}, "/tags: breaks the rule 'uniqueItems'"),
    ({"login": "ann", "tags": ["a", {MARKER: MARKER}]}, "/tags/*: must be of type string"),
    ({"login": "ann", "address": {}}, "/address: required field is missing: country"),
    ({"login": "ann", "address": {"country": MARKER}}, "/address/country: breaks the rule 'pattern'"),
    ({"login": "ann", "address": {"country": "GB", MARKER: 1}}, "/address: breaks the rule 'additionalProperties'"),
]


def test_a_profile_that_fits_is_stored(schema_api: Api) -> None:
    token = schema_api.create(**GOOD)
    assert schema_api.get(f"/v1/user/token/{token}").json()["data"] == GOOD


@pytest.mark.parametrize(("profile", "where"), MISFITS)
def test_a_misfit_names_place_and_rule_and_no_value(schema_api: Api, profile: dict[str, Any], where: str) -> None:
    message = f"profile does not fit the record schema at {where}"
    before = contents()
    assert_refused(schema_api.post("/v1/user", profile), 400, message)
    answer = schema_api.post("/v1/users/bulk", {"records": [profile, {"login": "good"}]})
    assert answer.json()["rows"][0] == {"error": message, "index": 0}
    assert answer.json()["created"] == 1
    assert schema_api.delete("/v1/user/login/good").status_code == 200
    assert MARKER not in message
    assert len(contents()["vault_record"]) == len(before["vault_record"]) + 1


@pytest.mark.parametrize(("profile", "where"), [row for row in MISFITS if "login" in row[0]])
def test_a_change_is_held_to_the_schema(schema_api: Api, profile: dict[str, Any], where: str) -> None:
    token = schema_api.create(login="ann", tax_id="T-1")
    before = contents()
    answer = schema_api.put(f"/v1/user/token/{token}", profile)
    assert_refused(answer, 400, f"profile does not fit the record schema at {where}")
    assert contents() == before


@pytest.mark.parametrize(
    "schema",
    [
        {"additionalProperties": {"type": "string"}},
        {"patternProperties": {"^Zx": {"type": "string"}}},
        {"unevaluatedProperties": {"type": "string"}},
        {"properties": {"more": {"additionalProperties": {"type": "string"}}}},
    ],
)
def test_a_misfit_under_a_name_of_the_callers_does_not_repeat_it(
    api: Api, use_schema: Callable[[Any], None], schema: dict[str, Any]
) -> None:
    """A key can be as personal as a value: think of a map from e-mail addresses to consents."""
    use_schema(schema)
    profile = {"login": "ann", **({"more": {MARKER: 5}} if "properties" in schema else {MARKER: 5})}
    answer = api.post("/v1/user", profile)
    assert_refused(answer, 400)
    assert MARKER not in answer.content.decode()


@pytest.mark.parametrize(
    ("rule", "number"),
    [
        ({"type": "number", "multipleOf": 0.01}, b"0.10"),
        ({"type": "number", "multipleOf": 0.5}, b"123456789012345678901234567890"),
        ({"type": "number", "multipleOf": 3}, b"3E2"),
        ({"type": "number", "minimum": 0.1}, b"0.10"),
        ({"type": "number", "exclusiveMinimum": 0}, b"1E-300"),
        ({"const": 0.1}, b"0.10"),
        ({"enum": [0.1, 0.25]}, b"0.250"),
        ({"type": "integer"}, b"18446744073709551616"),
        ({"type": "integer"}, b"1e3"),
        ({"type": "integer", "maximum": 10**40}, b"123456789012345678901234567890"),
    ],
)
def test_numbers_that_are_kept_exactly_meet_numeric_rules(
    api: Api, use_schema: Callable[[Any], None], rule: dict[str, Any], number: bytes
) -> None:
    use_schema(json.dumps({"properties": {"n": rule}}).encode())
    answer = api.post("/v1/user", b'{"login":"ann","n":' + number + b"}")
    assert answer.status_code == 200, answer.content


@pytest.mark.parametrize(
    ("rule", "number"),
    [
        ({"multipleOf": 0.01}, b"0.105"),
        ({"multipleOf": 7}, b"1E300"),
        ({"type": "integer"}, b"0.50"),
        ({"maximum": 1}, b"18446744073709551616"),
        ({"type": "string"}, b"0.10"),
    ],
)
def test_numbers_that_are_kept_exactly_can_break_numeric_rules(
    api: Api, use_schema: Callable[[Any], None], rule: dict[str, Any], number: bytes
) -> None:
    use_schema({"properties": {"n": rule}})
    assert_refused(api.post("/v1/user", b'{"login":"ann","n":' + number + b"}"), 400)


# --- locked, admin, preserve -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"birth": "1991-01-01"}, "birth"),
        ({"birth": None}, "birth"),
        ([{"op": "remove", "path": "/birth"}], "birth"),
        ({"address": {"register": {"number": 8}}}, "address.register.number"),
        ({"address": {"register": None}}, "address.register.number"),
        ({"address": None}, "address.register.number"),
        ({"birth": None, "address": None}, "birth, address.register.number"),
    ],
)
def test_a_locked_field_never_changes(schema_api: Api, settings: Any, change: Any, field: str) -> None:
    settings.SELFSERVICE_USER_RECORD_CHANGE = True
    token = schema_api.create(**GOOD)
    callers = (schema_api, schema_api.as_person(token))
    before = contents()
    for caller in callers:
        answer = caller.put(f"/v1/user/token/{token}", change)
        assert_refused(answer, 400, f"locked fields can't be changed: {field}")
        assert contents() == before


def test_a_locked_field_that_was_absent_stays_absent(schema_api: Api) -> None:
    token = schema_api.create(login="ann")
    assert_refused(schema_api.put(f"/v1/user/token/{token}", {"birth": "1991-01-01"}), 400)


def test_what_stands_beside_a_locked_field_may_change(schema_api: Api) -> None:
    token = schema_api.create(**GOOD)
    change = {"birth": GOOD["birth"], "address": {"city": "Leeds", "register": {"number": 7}}}
    assert schema_api.put(f"/v1/user/token/{token}", change).status_code == 200
    assert schema_api.get(f"/v1/user/token/{token}").json()["data"]["address"]["city"] == "Leeds"


def test_a_person_changes_admin_fields_only_by_approval(schema_api: Api, settings: Any) -> None:
    settings.SELFSERVICE_USER_RECORD_CHANGE = True
    token = schema_api.create(**GOOD)
    person = schema_api.as_person(token)
    where = f"/v1/user/token/{token}"
    assert person.put(where, {"age": 36}).status_code == 200
    assert person.put(where, {"role": "user", "age": 37}).status_code == 200, "the same value is no change"
    before = schema_api.get(where).json()["data"]
    rtoken = person.put(where, {"role": "editor"}).json()["rtoken"]
    assert schema_api.delete(f"/v1/request/{rtoken}").status_code == 200
    assert person.put(where, {"role": None, "age": 38}).json()["result"] == "request-created"
    assert schema_api.get(where).json()["data"] == before
    assert schema_api.put(where, {"role": "editor"}).status_code == 200, "an application may"


def test_preserved_fields_survive_being_forgotten_and_nothing_else_does(schema_api: Api) -> None:
    token = schema_api.create(**GOOD)
    assert schema_api.delete(f"/v1/user/token/{token}").status_code == 200
    kept = {"tax_id": "T-1", "address": {"country": "GB"}}
    assert schema_api.get(f"/v1/user/token/{token}").json() == {"status": "ok", "token": token, "data": kept}
    assert_refused(schema_api.get("/v1/user/login/ann"), 404)
    # Again, to no effect.
    assert schema_api.delete(f"/v1/user/token/{token}").status_code == 200
    assert schema_api.get(f"/v1/user/token/{token}").json()["data"] == kept


def test_a_preserved_identity_still_finds_and_stays_taken(api: Api, use_schema: Callable[[Any], None]) -> None:
    use_schema({"properties": {"email": {"preserve": True}}})
    token = api.create(login="ann", email="ann@example.com")
    assert api.delete("/v1/user/login/ann").status_code == 200
    answer = api.get("/v1/user/email/ANN@example.com")
    assert answer.json() == {"status": "ok", "token": token, "data": {"email": "ann@example.com"}}
    assert_refused(api.post("/v1/user", {"email": "ann@example.com"}), 409, "duplicate index: email")
    assert api.create(login="ann")
    assert_refused(api.put("/v1/user/email/ann@example.com", {"a": 1}), 404)


def test_a_person_can_be_forgotten_whatever_became_of_the_settings(
    api: Api, settings: Any, use_schema: Callable[[Any], None]
) -> None:
    """A preserved phone that was taken leniently must not stand in the way of being forgotten."""
    use_schema({"properties": {"phone": {"preserve": True}}})
    settings.LENIENT_PHONE = True
    token = api.create(login="ann", phone="extension four")
    settings.LENIENT_PHONE = False
    assert api.delete(f"/v1/user/token/{token}").status_code == 200
    assert api.get(f"/v1/user/token/{token}").json()["data"] == {"phone": "extension four"}


def test_keywords_are_found_behind_references_within_the_file(api: Api, use_schema: Callable[[Any], None]) -> None:
    use_schema(
        {
            "properties": {"birth": {"$ref": "#/$defs/once"}, "login": {"type": "string"}},
            "$defs": {"once": {"type": "string", "locked": True}},
        }
    )
    token = api.create(login="ann", birth="1990-02-28")
    answer = api.put(f"/v1/user/token/{token}", {"birth": "1991-01-01"})
    assert_refused(answer, 400, "locked fields can't be changed: birth")


# --- files that are refused at start ---------------------------------------------------------------------------------


REFUSED_FILES: list[tuple[str, Any, str]] = [
    ("not JSON", b"{", "is not JSON"),
    ("not UTF-8", b'{"a":"\xff"}', "is not JSON"),
    ("no schema", {"type": "nonsense"}, "no JSON Schema"),
    ("an array", [], "no JSON Schema"),
    ("a bad pattern", {"properties": {"a": {"pattern": "("}}}, "no JSON Schema"),
    ("another document", {"$ref": "https://example.com/a.json"}, "another document"),
    ("another document, below", {"properties": {"a": {"$ref": "https://example.com/a.json"}}}, "another document"),
    ("another file, below", {"properties": {"a": {"items": {"$ref": "other.json#/x"}}}}, "another document"),
    ("a reference to nothing", {"properties": {"a": {"$ref": "#/$defs/nothing"}}}, "USER_SCHEMA_FILE"),
    ("a reference to itself", {"$ref": "#"}, "USER_SCHEMA_FILE"),
    # A keyword that would be overlooked is worse than none: its author believes the field to be protected.
    ("locked, for the whole record", {"locked": True}, "USER_SCHEMA_FILE"),
    ("locked, no boolean", {"properties": {"a": {"locked": "true"}}}, "USER_SCHEMA_FILE"),
    ("preserve in items", {"properties": {"a": {"items": {"preserve": True}}}}, "USER_SCHEMA_FILE"),
    ("locked in allOf", {"allOf": [{"properties": {"a": {"locked": True}}}]}, "USER_SCHEMA_FILE"),
    ("admin in patternProperties", {"patternProperties": {"^a": {"admin": True}}}, "USER_SCHEMA_FILE"),
]


@pytest.mark.parametrize(("schema", "says"), [row[1:] for row in REFUSED_FILES], ids=[row[0] for row in REFUSED_FILES])
def test_an_unusable_schema_is_refused_at_start(use_schema: Callable[[Any], None], schema: Any, says: str) -> None:
    use_schema(schema)
    problems = checks.check_records()
    assert [problem.id for problem in problems] == ["vault.E002"]
    assert says in problems[0].msg
    assert problems[0].is_serious()


def test_a_schema_file_that_is_not_there_is_refused_at_start(settings: Any, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.json", tmp_path):
        settings.USER_SCHEMA_FILE = str(path)
        (problem,) = checks.check_records()
        assert problem.id == "vault.E002"
        assert "can't be read" in problem.msg


@pytest.mark.parametrize(
    "schema",
    [
        SCHEMA,
        {},
        True,
        {"properties": {"a": {"$ref": "#/properties/b"}, "b": {}}},
        {"properties": {"a": {"$ref": "#text"}}, "$defs": {"t": {"$anchor": "text", "type": "string"}}},
        {"properties": {"a/b~c%": {}, "d": {"$ref": "#/properties/a~1b~0c%25"}}},
        # A property may be named like a keyword, and a value may look like a schema.
        {"properties": {"locked": {"type": "boolean"}, "$ref": {"type": "string"}, "properties": {"locked": True}}},
        {"properties": {"a": {"const": {"locked": True}}, "b": {"default": {"$ref": "https://example.com"}}}},
        # A record within a record.
        {"properties": {"child": {"$ref": "#"}, "name": {"type": "string"}}},
    ],
)
def test_a_usable_schema_passes_the_checks(use_schema: Callable[[Any], None], schema: Any) -> None:
    use_schema(schema)
    assert checks.check_records() == []
