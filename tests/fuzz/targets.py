"""What reads bytes of strangers, each behind one function: it returns, or fails an assertion, or lets an exception out.

A refusal that the code documents is no failure; any other exception is. Beside that every target states what must be
true of what was read: that it comes out as it went in, or that reading it again changes nothing.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.conf import settings

from audit.notes import signed_note, verifier_key
from databunker import jsontext, periods
from databunker.access import captcha, proof_of_work
from databunker.api import bodies
from databunker.api.authentication import client_address
from databunker.api.handler import Request
from databunker.backup import format as backup_format
from databunker.backup.errors import BackupError
from databunker.backup.reading import Reader
from databunker.backup.rows import decode_row, encode_row
from databunker.backup.tables import Kind, tables
from databunker.crypto import envelope, signing, store
from databunker.crypto.backup_keys import WrappedBackupKey
from databunker.crypto.envelope import Place
from databunker.crypto.errors import CryptoError, MasterKeyError
from databunker.crypto.keyring import Keyring, new_keys
from databunker.crypto.secret_stream import StreamSealer, new_stream_key
from databunker.erasure.statement import FORMAT as RECEIPT
from databunker.erasure.statement import KEPT_NOTHING, statement
from databunker.erasure.verifying import ReceiptRefused, parse_receipt, verify_receipt
from databunker.errors import BadRequest, Conflict, PayloadTooLarge, UnsupportedMediaType
from databunker.ids import parse_token
from gdpr.importing import PeerKey
from gdpr.importing.entries import is_set, number_of, object_of, text_of, token_of
from gdpr.importing.peer import Unreadable
from vault import identities, normalise, patch
from vault.loading import errors as loading_errors
from vault.loading.formats import FORMATS
from vault.loading.lines import LineReader

__all__ = ["MAX_INPUT", "TARGETS"]

MAX_INPUT = 1 << 16
_LIMIT = 1 << 16
_KEY = bytes(range(32))
_PLACE = Place(1, b"table", b"field", b"row", 3)


def json_text(data: bytes) -> None:
    """The JSON guard: what it lets in it writes, and reads again as the same."""
    try:
        value = jsontext.loads(data)
    except BadRequest as refused:
        assert len(str(refused)) < 100, "a refusal never quotes the input"
        return
    assert jsontext.depth_within(value, jsontext.MAX_DEPTH)
    written = jsontext.dumps(value)
    assert jsontext.dumps(jsontext.loads(written)) == written
    assert len(written) <= 6 * len(data) + 2, "an answer is not much larger than what was sent"


def body(data: bytes) -> None:
    """A body as the server hands it on: the first line is its Content-Type, the second its announced length."""
    content_type, _, rest = data.partition(b"\n")
    length, _, content = rest.partition(b"\n")
    announced = length.decode("latin-1") or str(len(content))
    request = Request(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/v1/user",
            "CONTENT_TYPE": content_type.decode("latin-1"),
            "CONTENT_LENGTH": announced,
            "wsgi.input": io.BytesIO(content),
        }
    )
    with suppress(BadRequest, PayloadTooLarge, UnsupportedMediaType):
        value = bodies.read_object(request, limit=_LIMIT)
        assert len(value) <= max(settings.MAX_FORM_FIELDS, len(content))


def form(data: bytes) -> None:
    """The form parser alone; what it has read and is written anew reads the same."""
    try:
        expected = dict(reversed(parse_qsl(data.decode("ascii"), keep_blank_values=True, errors="strict")))
    except UnicodeError:
        expected = None
    with suppress(BadRequest):
        fields = bodies._form(data)
        assert fields == expected, "the library reads the same"
        assert len(fields) <= settings.MAX_FORM_FIELDS
        assert all(isinstance(value, str) for value in fields.values())
        assert bodies._form(urlencode(fields).encode()) == fields


def period(data: bytes) -> None:
    """Expirations: whatever is asked for, it ends between now and the cap."""
    now, cap = 1_700_000_000, 8_000_000
    with suppress(BadRequest):
        end = periods.end_of_period(data.decode(errors="replace"), now=now, cap=cap)
        assert now <= end <= now + cap


def identity(data: bytes) -> None:
    """What people are found by: a spelling that is spelt again stays, and is not much longer than what was typed."""
    text = data.decode(errors="replace")
    for field in identities.BUILT_IN:
        with suppress(BadRequest):
            spelling = identities.normalised(field, text)
            assert identities.normalised(field, spelling) == spelling if len(spelling) <= 1024 else True
            assert len(spelling) <= 4 * len(text) + 20
    for normaliser in (normalise.text, normalise.email):
        assert normaliser(normaliser(text)) == normaliser(text)


def sealed(data: bytes) -> None:
    """The envelope reader: nothing opens that was not sealed, nor what was sealed with one thing about it changed."""
    with suppress(CryptoError):
        envelope.open_sealed(data, key=_KEY, place=_PLACE)
        raise AssertionError("bytes of a stranger opened")
    good = envelope.seal(data, key=_KEY, key_id=7, place=_PLACE)
    assert envelope.open_sealed(good, key=_KEY, place=_PLACE) == data
    at = len(data) % len(good)
    changed = bytearray(good)
    changed[at] ^= 1 << len(data) % 8
    with suppress(CryptoError):
        envelope.open_sealed(bytes(changed), key=_KEY, place=_PLACE)
        raise AssertionError("a changed envelope opened")


def backup(data: bytes) -> None:
    """A file that says it is a backup."""
    with suppress(BackupError, MasterKeyError):
        for _ in Reader(io.BytesIO(data)):
            raise AssertionError("a row came out of a file that nobody sealed")


def backup_frames(data: bytes) -> None:
    """A backup that was sealed as it must be, and whose header and frames are anything: those of a newer release."""
    header, *frames = data.split(b"\n\n")
    with suppress(BackupError):
        backup_format.parse_header(header)
    for frame in frames:
        with suppress(BackupError):
            backup_format.parse_frame(frame)
    with suppress(BackupError):
        for found in Reader(io.BytesIO(_sealed_backup(frames or [header]))):
            for row in found.rows:
                decoded, _ = decode_row(encode_row(row, found.table.kinds), 0, found.table.kinds)
                assert decoded == row


def _sealed_backup(frames: list[bytes]) -> bytes:
    """Of this vault's tables, with frames that hold anything."""
    master = store.configured_master_key()
    assert master is not None
    key, backup_id = new_stream_key(), bytes(16)
    head = backup_format.Header(
        backup=backup_id,
        product="1",
        created=1,
        data_key=1,
        migrations=(),
        tables=tuple(tables()),
        key=WrappedBackupKey(master.wrap_backup_key(key, backup=backup_id), None),
    ).to_bytes()
    sealer = StreamSealer(key, preamble=head)
    parts = [head, sealer.header]
    for number, frame in enumerate(frames, start=1):
        content = sealer.seal(frame, final=number == len(frames))
        parts += (backup_format.LENGTH.pack(len(content)), content)
    return b"".join(parts)


def backup_row(data: bytes) -> None:
    """One row: what was read is written as the same row, by the shortest lengths that there are."""
    kinds = [Kind.INTEGER, Kind.BOOLEAN, Kind.BYTES, Kind.UUID, Kind.TEXT]
    with suppress(ValueError, IndexError):
        row, end = decode_row(data, 0, kinds)
        assert end <= len(data)
        written = encode_row(row, kinds)
        assert decode_row(written, 0, kinds) == (row, len(written))


def json_patch(data: bytes) -> None:
    """A record and its change, as `[record, change]`: what comes out is a record, and the one that went in is whole."""
    try:
        given = jsontext.loads(data)
    except BadRequest:
        return
    if not (isinstance(given, list) and len(given) == 2 and isinstance(given[0], dict)):
        return
    record, change = given
    before = jsontext.dumps(record)
    with suppress(BadRequest, Conflict):
        after = patch.apply(record, change, max_bytes=_LIMIT)
        written = jsontext.dumps(after)
        assert len(written) <= _LIMIT
        assert jsontext.dumps(jsontext.loads(written)) == written
    assert jsontext.dumps(record) == before
    assert patch.equal(record, record)


def captcha_answer(data: bytes) -> None:
    """A captcha's code and its answer, on two lines: nothing is let in by an invented code."""
    code, _, answer = data.decode(errors="replace").partition("\n")
    assert captcha._open(code, 1) is None
    solved = proof_of_work.solves(answer, salt="5f3a")
    assert not solved or answer.isdecimal()


def peer(data: bytes) -> None:
    """A row of the other vault: values in the wrong columns, and content that was encrypted as it must be."""
    key = PeerKey(bytes(24))
    parts = [part.decode(errors="replace") for part in data.split(b"\n")]
    first, second, *_ = [*parts, "", ""]
    for value in (first, second, None, data, len(data), float("inf")):
        row: dict[str, Any] = {"value": value}
        assert isinstance(text_of(row, "value"), str)
        assert 0 <= number_of(row, "value") < 2**48 // 1000
        is_set(row, "value")
        with suppress(Unreadable):
            assert isinstance(token_of(row, "value"), uuid.UUID)
        with suppress(Unreadable):
            assert isinstance(key.open_identity(value), str)
        with suppress(Unreadable):
            key.open_data(second, value)
    with suppress(Unreadable):
        assert isinstance(object_of(data), dict)


def loaded(data: bytes) -> None:
    """A file of people; the first byte says which format. No line breaks the file, and each gives a record or a refusal."""
    kind = FORMATS["csv" if data[:1] == b"c" else "jsonl"]
    with suppress(loading_errors.LoadRefused):
        form_ = kind(LineReader(io.BytesIO(data[1:]), limit=512), limit=512)
        for entry in form_.entries():
            candidate = form_.candidate(entry)
            assert isinstance(candidate, dict | BadRequest)
            assert entry.line >= 1


def receipt(data: bytes) -> None:
    """A receipt of an erasure, as anybody pastes it: nothing holds that nobody signed. And one that a vault has signed,
    with whatever in it: that is read like any other.
    """
    with suppress(ReceiptRefused):
        verify_receipt(parse_receipt(data))
        raise AssertionError("a receipt that nobody signed holds")
    with suppress(BadRequest):
        given = jsontext.loads(data)
        if isinstance(given, dict):
            found = verify_receipt(_signed_receipt(given))
            assert found.kept.startswith(("nothing", "what the law"))


def _signed_receipt(given: dict[str, Any]) -> dict[str, Any]:
    """Its statement and the head of its tree are signed, whatever they say."""
    public = signing.public_key_of(_KEY)
    log = given["log"] if isinstance(given.get("log"), str) else "databunker/log"
    said = {"receipt": "", "event": "", "at": 0, "kept": KEPT_NOTHING, "person": "", **given, "log": log}
    text = statement(**{name: said[name] for name in ("receipt", "log", "event", "at", "kept", "person")})
    proof = said.get("proof")
    if isinstance(proof, dict) and isinstance(proof.get("head"), str):
        signature = signing.sign(proof["head"].encode(), seed=_KEY)
        proof = {**proof, "head": signed_note(proof["head"], name=log, signatures=[(public, signature)])}
    signature = signing.sign(text.encode(), seed=_KEY)
    key = given["key"] if "key" in given else verifier_key(log, public)
    return {**said, "format": RECEIPT, "key": key, "signature": signature.hex(), "proof": proof}


def headers(data: bytes) -> None:
    """What the API reads of headers: the token, the request's id, the client's address behind proxies."""
    text = data.decode("latin-1")
    found = parse_token(text)
    assert found is None or str(found) == text.lower()
    request = Request(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": text,
            "QUERY_STRING": text,
            "CONTENT_TYPE": text,
            "HTTP_X_FORWARDED_FOR": text,
            "REMOTE_ADDR": "192.0.2.1",
            "wsgi.input": io.BytesIO(),
        }
    )
    assert isinstance(client_address(request), str)
    assert isinstance(request.content_type, str)


Target = Callable[[bytes], None]
TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        json_text, body, form, period, identity, sealed, backup, backup_frames, backup_row, json_patch,
        captcha_answer, peer, loaded, receipt, headers,
    )
}  # fmt: skip


def use_keyring() -> None:
    """A keyring of fresh keys for what asks for the current one: no target needs a database."""
    keyring = Keyring(new_keys())
    store.current_keyring = lambda: keyring
