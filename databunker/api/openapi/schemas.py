"""JSON Schemas (Draft 2020-12, as OpenAPI 3.1 has them) of what several routes take or answer."""

from __future__ import annotations

from typing import Any

__all__ = [
    "BINARY",
    "CHANGE",
    "COMPONENTS",
    "ERROR",
    "EVENT",
    "EVENT_DETAIL",
    "EXPIRATION",
    "FLAG",
    "FORM",
    "HOW_TO_CHANGE",
    "NAMES",
    "NEW_PROFILE",
    "NUMBER",
    "OBJECT",
    "PROFILE",
    "TEXT",
    "TIME",
    "UI",
    "UUID",
    "Schema",
    "constant",
    "one_of",
]

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
BINARY: Schema = {"type": "string", "format": "binary"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer", "minimum": 0}
OBJECT: Schema = {"type": "object"}
UUID: Schema = {"type": "string", "format": "uuid"}
TIME: Schema = {"type": "integer", "description": "Unix time in seconds"}
NAMES: Schema = {"type": "array", "items": TEXT}


HOW_TO_CHANGE = "An object is a merge patch (RFC 7396, null deletes), an array a JSON Patch (RFC 6902)."


def constant(value: str) -> Schema:
    return {"const": value}


def one_of(*values: str) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": list(values)}


def _component(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


ERROR = _component("Error")
PROFILE = _component("Profile")
NEW_PROFILE = _component("NewProfile")
CHANGE = _component("Change")
EXPIRATION = _component("Expiration")
EVENT = _component("Event")
EVENT_DETAIL = _component("EventDetail")
FORM = _component("Form")
UI = _component("Ui")

_IDENTITIES: Schema = {
    "login": {"type": ["string", "number"]},
    "email": {"type": "string", "examples": ["ann@example.com"]},
    "phone": {"type": "string", "examples": ["+44 7700 900001"]},
    "custom": {"type": ["string", "number"]},
}
_EVENT: Schema = {
    "atoken": {**TEXT, "description": "The event, a UUID; empty where the token would learn by it whose event it is"},
    "when": TIME,
    "who": {**TEXT, "description": "Kind and number of the access token"},
    "mode": {**TEXT, "description": "What the person was looked up by"},
    "identity": TEXT,
    "record": {**TEXT, "description": "The person's token; empty where nobody is concerned or the token is not shown"},
    "app": TEXT,
    "purpose": {**TEXT, "description": "What the caller said it acted for, in `X-Bunker-Purpose`"},
    "title": TEXT,
    "status": {
        **TEXT,
        "description": "ok, denied, not_found, conflict or invalid; of an imported event what the other vault said",
    },
    "msg": TEXT,
    "more": {**FLAG, "description": "The event has a before and after"},
}
# What pages show of the operator; links may be empty.
_UI: Schema = {
    "LogoLink": TEXT,
    "CompanyTitle": TEXT,
    "CompanyVAT": TEXT,
    "CompanyCity": TEXT,
    "CompanyLink": TEXT,
    "CompanyCountry": TEXT,
    "CompanyAddress": TEXT,
    "TermOfServiceTitle": TEXT,
    "TermOfServiceLink": TEXT,
    "PrivacyPolicyTitle": TEXT,
    "PrivacyPolicyLink": TEXT,
    "CustomCSSLink": TEXT,
    "SupportLink": TEXT,
    "MagicLookup": {"const": False},
    "features": {
        "type": "object",
        "description": "What people may do for themselves at once",
        "properties": {
            "forget_me": FLAG,
            "user_record_change": FLAG,
            "app_record_change": {**NAMES, "description": "Applications, or patterns such as `ship*`"},
        },
        "required": ["forget_me", "user_record_change", "app_record_change"],
        "additionalProperties": False,
    },
}

COMPONENTS: dict[str, Schema] = {
    "Error": {
        "type": "object",
        "properties": {"status": constant("error"), "message": TEXT},
        "required": ["status", "message"],
    },
    "Profile": {
        "type": "object",
        "description": "A person's record, exactly as it was stored. Of a forgotten person: what is preserved.",
    },
    "NewProfile": {
        "type": "object",
        "description": "Any object with at least one field that people are found by; see also the record schema.",
        "properties": _IDENTITIES,
        "anyOf": [{"required": [name]} for name in _IDENTITIES],
        "examples": [{"login": "ann", "email": "ann@example.com", "name": {"first": "Ann", "last": "Example"}}],
    },
    "Change": {
        "description": HOW_TO_CHANGE,
        "anyOf": [{"type": "object"}, {"type": "array", "items": _component("PatchStep")}],
        "examples": [{"city": "Bergen"}, [{"op": "add", "path": "/tags", "value": ["vip"]}]],
    },
    "PatchStep": {
        "type": "object",
        "properties": {
            "op": one_of("add", "remove", "replace", "move", "copy", "test"),
            "path": {**TEXT, "description": "JSON Pointer (RFC 6901)"},
            "from": TEXT,
            "value": {},
        },
        "required": ["op", "path"],
    },
    "Expiration": {
        "type": ["string", "integer"],
        "description": "`10d 5h 30s` with m for a month of 31 days and y for 366 days, a number of seconds, or a "
        "Unix time when larger than now. Capped by a setting, which also holds where it is absent.",
        "examples": ["10d", "1h", 3600],
    },
    "Event": {"type": "object", "properties": _EVENT, "required": list(_EVENT)},
    "EventDetail": {
        "type": "object",
        "description": "Masked values, where the token sees no others: of those only the fields that changed.",
        "properties": {**_EVENT, "before": OBJECT, "after": OBJECT, "debug": TEXT},
        "required": list(_EVENT),
    },
    "Ui": {
        "type": "object",
        "description": "What pages show of the operator, empty where nothing is set, and what people may do.",
        "properties": _UI,
        "required": list(_UI),
        "additionalProperties": False,
    },
    "Form": {
        "type": "object",
        "description": "The same fields as text; of a repeated field the first value counts.",
        "additionalProperties": TEXT,
        "minProperties": 1,
    },
}
