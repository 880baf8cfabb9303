from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.encoding import RawEncoder
from nacl.hash import blake2b

from databunker import jsontext
from databunker.crypto.keyring import Key, Keyring, Purpose, new_keys
from databunker.errors import BadRequest
from vault import identities
from vault.identities import UNIQUE_SLOT, IdentityField

SUBJECT = bytes(range(16))
EMAIL = identities.BUILT_IN[1]
names = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)
tenants = st.integers(0, 2**32 - 1)
spellings = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.fixture(autouse=True)
def plain_settings(settings: Any) -> None:
    settings.IDENTITY_FIELDS, settings.LENIENT_PHONE, settings.DEFAULT_COUNTRY = [], False, "GB"


def with_root(root: bytes) -> Keyring:
    """A keyring whose root of identities is `root`."""
    return Keyring(Key(key.id, key.purpose, root if key.purpose is Purpose.INDEX else key.secret) for key in new_keys())


def digest_of(case: dict[str, Any]) -> str:
    field = IdentityField(case["field"], case["kind"])
    keyring = with_root(bytes.fromhex(case["root"]))
    return identities.identity_digest(field, case["value"], tenant=case["tenant"], keyring=keyring).hex()


# The blind index


def test_vectors(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("identity")["positive"]:
        assert digest_of(case) == case["digest"], case


def test_vectors_that_must_differ(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("identity")["negative"]:
        assert digest_of(case) != case["not_digest"], case["name"]


@given(names, tenants, spellings)
def test_the_digest_written_out_by_hand(keyring: Keyring, name: str, tenant: int, value: str) -> None:
    pieces = [b"identity", tenant.to_bytes(4, "big"), name.encode()]
    context = b"".join(len(piece).to_bytes(4, "big") + piece for piece in pieces)
    root = keyring.secret(Purpose.INDEX)
    key = blake2b(context, key=root, person=b"databunker.kdf.1", digest_size=32, encoder=RawEncoder)
    expected = blake2b(value.encode(), key=key, person=b"databunker.idx.1", digest_size=16, encoder=RawEncoder)
    found = identities.identity_digest(IdentityField(name, "text"), value, tenant=tenant, keyring=keyring)
    assert found == expected


@given(st.tuples(names, tenants, spellings), st.tuples(names, tenants, spellings))
def test_equal_digests_mean_the_same_field_tenant_and_value(
    keyring: Keyring, left: tuple[str, int, str], right: tuple[str, int, str]
) -> None:
    digests = {
        identities.identity_digest(IdentityField(name, "text"), value, tenant=tenant, keyring=keyring)
        for name, tenant, value in (left, right)
    }
    assert (len(digests) == 1) == (left == right)


@given(spellings)
def test_one_value_looks_unrelated_in_each_field_and_tenant(keyring: Keyring, value: str) -> None:
    digests = {
        identities.identity_digest(field, value, tenant=tenant, keyring=keyring)
        for field in identities.BUILT_IN
        for tenant in (1, 2, 256)
    }
    assert len(digests) == 12


def test_the_digest_takes_the_current_keyring(keyring_in_use: Keyring) -> None:
    assert identities.identity_digest(EMAIL, "a@b", tenant=1) == identities.identity_digest(
        EMAIL, "a@b", tenant=1, keyring=keyring_in_use
    )


# Which fields there are


def test_the_built_in_fields_are_those_of_the_api() -> None:
    fields = identities.configured()
    assert [(field.name, field.kind, field.unique) for field in fields.values()] == [
        ("login", "text", True), ("email", "email", True), ("phone", "phone", True), ("custom", "text", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("customer_id", IdentityField("customer_id", "text", unique=True)),
        ("ssn:unique", IdentityField("ssn", "text", unique=True)),
        ("ssn:text:unique", IdentityField("ssn", "text", unique=True)),
        ("work_email:email:shared", IdentityField("work_email", "email", unique=False)),
        ("work_email:shared:email", IdentityField("work_email", "email", unique=False)),
        ("mobile:phone", IdentityField("mobile", "phone", unique=True)),
        ("  padded:shared ", IdentityField("padded", "text", unique=False)),
        ("a" * 63, IdentityField("a" * 63, "text", unique=True)),
    ],
)
def test_further_fields(settings: Any, entry: str, expected: IdentityField) -> None:
    settings.IDENTITY_FIELDS = [entry]
    assert identities.configured()[expected.name] == expected
    assert len(identities.configured()) == 5
    assert identities.is_shared(expected.name.upper()) is not expected.unique


@pytest.mark.parametrize(
    "entry",
    [
        "", ":", "email", "login:shared", "token", "admin", "bulk", "unlock", "Customer", "1st", "_id", "a-b", "a b", "é", "a.b",
        "a" * 64, "ssn:", "ssn:number", "ssn:text:email", "ssn:unique:shared", "ssn:unique:unique", "ssn:text:unique:more",
        "ssn:Text", "ssn: text", "ssn;text", "a\n",
    ],
)  # fmt: skip
def test_further_fields_that_make_no_sense_are_refused_by_the_name_of_the_setting(settings: Any, entry: str) -> None:
    settings.IDENTITY_FIELDS = ["fine", entry + ("x" if entry == "a\n" else "")]
    with pytest.raises(ValueError, match="IDENTITY_FIELDS"):
        identities.configured()


def test_the_same_field_twice_is_refused(settings: Any) -> None:
    settings.IDENTITY_FIELDS = ["ssn", "ssn:shared"]
    with pytest.raises(ValueError, match="IDENTITY_FIELDS: 'ssn'"):
        identities.configured()


@pytest.mark.parametrize("mode", ["email", "EMAIL", "Email"])
def test_a_field_is_found_in_any_case(mode: str) -> None:
    assert identities.field_named(mode) == EMAIL


@pytest.mark.parametrize("mode", ["", "MARKER", "e-mail", "email ", "token", "ssn"])
def test_an_unknown_mode_is_refused_without_repeating_it(mode: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        identities.field_named(mode)
    assert str(refusal.value) == "bad mode"
    assert not identities.is_shared(mode)


# From a profile to its identities


def test_identities_of_a_profile_are_normalised() -> None:
    profile = {"login": " Ann ", "email": "Ann@Example.com", "phone": "07700 900123", "custom": "C-1", "name": "Ann"}
    assert [(field.name, value) for field, value in identities.extract(profile)] == [
        ("login", "Ann"), ("email", "ann@example.com"), ("phone", "+447700900123"), ("custom", "C-1"),
    ]  # fmt: skip


@pytest.mark.parametrize("value", [None, "", " ", "\t\n", "\u2003"])
def test_an_empty_field_has_no_identity(value: str | None) -> None:
    assert identities.extract({"login": value, "email": value}) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"17", "17"), (b"0", "0"), (b"-5", "-5"), (b"123456789012345678901234567890", "123456789012345678901234567890"),
        (b"1.5", "1.5"), (b"1.50", "1.50"), (b"0.10", "0.10"), (b"9007199254740993", "9007199254740993"),
    ],
)  # fmt: skip
def test_numbers_become_their_decimal_string(text: bytes, expected: str) -> None:
    ((_, spelling),) = identities.extract({"login": jsontext.loads(text)})
    assert spelling == expected


@pytest.mark.parametrize("name", ["login", "email", "phone", "custom"])
@pytest.mark.parametrize("value", [True, False, [], ["MARKER"], {}, {"MARKER": 1}])
def test_values_that_cannot_be_looked_up_are_refused_by_the_name_of_the_field(name: str, value: Any) -> None:
    with pytest.raises(BadRequest, match=f"^{name} must be text"):
        identities.extract({name: value})


@pytest.mark.parametrize("name", ["email", "phone"])
@pytest.mark.parametrize("value", [0, 17, 1.5, Decimal("0.10")])
def test_a_number_is_neither_email_nor_phone(name: str, value: Any) -> None:
    with pytest.raises(BadRequest, match=f"^{name} must be text$"):
        identities.extract({name: value})


def test_what_is_no_phone_is_refused_unless_lenient(settings: Any) -> None:
    profile = {"login": "ann", "phone": "MARKER"}
    with pytest.raises(BadRequest, match="^phone is not a telephone number$"):
        identities.extract(profile)
    settings.LENIENT_PHONE = True
    assert [field.name for field, _ in identities.extract(profile)] == ["login"]
    with pytest.raises(BadRequest):
        identities.extract({"phone": ["MARKER"]})


def test_a_refusal_names_the_further_field(settings: Any) -> None:
    settings.IDENTITY_FIELDS = ["mobile:phone"]
    with pytest.raises(BadRequest, match="^mobile is not a telephone number$"):
        identities.extract({"mobile": "MARKER"})


def test_identities_have_a_greatest_length() -> None:
    assert identities.normalised(EMAIL, "a" * 1024)
    with pytest.raises(BadRequest, match="^email is too long$"):
        identities.normalised(EMAIL, "a" * 1025)


json_values = st.recursive(
    # Integers beyond these are decimals, as databunker.jsontext reads them.
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | spellings
    | st.decimals(allow_nan=False, allow_infinity=False, places=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(spellings, inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(["login", "email", "phone", "custom", "other"], json_values)))
def test_any_profile_gives_normalised_identities_or_a_bad_request(profile: dict[str, Any]) -> None:
    try:
        found = identities.extract(profile)
    except BadRequest as refusal:
        assert any(str(refusal).startswith(name) for name in ("login", "email", "phone", "custom"))
        return
    for field, spelling in found:
        assert identities.normalised(field, spelling) == spelling


@given(st.text("MARKER0123456789+ ", min_size=1, max_size=30))
def test_refusals_never_quote_a_value(noise: str) -> None:
    marked = f"MARKER{noise}MARKER"
    for profile in ({"phone": marked}, {"login": [marked]}, {"email": {marked: 1}}, {"custom": marked * 100}):
        try:
            identities.extract(profile)
        except BadRequest as refusal:
            assert "MARKER" not in f"{refusal}{refusal.args}{refusal.trace}"


# The rows of the index


def test_rows_carry_the_digest_and_the_slot_of_their_field(keyring: Keyring, settings: Any) -> None:
    settings.IDENTITY_FIELDS = ["team:shared"]
    rows = identities.rows_for({"email": "A@b.c", "team": "red"}, tenant=1, subject=SUBJECT, keyring=keyring)
    assert {row.field: row.slot for row in rows} == {"email": UNIQUE_SLOT, "team": SUBJECT}
    email = next(row for row in rows if row.field == "email")
    assert email.digest == identities.identity_digest(EMAIL, "a@b.c", tenant=1, keyring=keyring)


@given(spellings.filter(str.strip), spellings.filter(str.strip))
def test_rows_stand_in_the_order_of_their_digests_whatever_the_profile(
    keyring: Keyring, login: str, custom: str
) -> None:
    profile = {"login": login, "custom": custom, "email": "ann@example.com"}
    rows = identities.rows_for(profile, tenant=1, subject=SUBJECT, keyring=keyring)
    backwards = dict(reversed(profile.items()))
    assert rows == identities.rows_for(backwards, tenant=1, subject=SUBJECT, keyring=keyring)
    assert [row.digest for row in rows] == sorted(row.digest for row in rows)


@pytest.mark.parametrize("profile", [{}, {"name": "Ann"}, {"login": ""}, {"email": None, "custom": " "}])
def test_a_profile_that_nobody_could_find_is_refused(keyring: Keyring, profile: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="all user lookup fields are missing"):
        identities.rows_for(profile, tenant=1, subject=SUBJECT, keyring=keyring)
