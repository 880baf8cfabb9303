"""Verify an exported audit trail, or the proof of one event, with the vault's public key and nothing else.

This file stands for itself: it needs Python 3.11 and PyNaCl (libsodium), neither the vault nor its database nor its
settings. It is written apart from what seals the trail, so that one mistake isn't made on both sides.

    python verifier.py --public-key 'databunker/…+…+…' export.jsonl [export-2.jsonl …]
    python -m audit.verifier --public-key KEY.txt proof.json

It ends with 0 where all is proved, 1 where something is not, 2 where it could not be looked at. The formats stand in
docs/audit.md.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from nacl.bindings import crypto_sign_BYTES, crypto_sign_open
from nacl.exceptions import CryptoError

__all__ = [
    "Checkpoint",
    "Keys",
    "NotProved",
    "Summary",
    "judge",
    "main",
    "open_checkpoint",
    "verify_export",
    "verify_proof",
]

EXPORT_FORMAT = "databunker-audit-export/1"
PROOF_FORMAT = "databunker-audit-proof/1"
_ED25519 = b"\x01"
_MOST_LINE_BYTES = 1 << 20


class NotProved(Exception):
    """What is not as it was signed, and where."""


# --- signed notes (c2sp.org/signed-note) and tree heads (c2sp.org/tlog-checkpoint) ------------------------------------


class Keys:
    """Public keys as `manage.py audit public-key` prints them: name, key id and key, joined by `+`."""

    def __init__(self, texts: Iterable[str]) -> None:
        """
        Raises:
            NotProved: one of them is no such key.
        """
        self._known: dict[tuple[str, bytes], bytes] = {}
        for text in texts:
            name, key_id, key = _parse_key(text)
            self._known[name, key_id] = key

    def open(self, note: str) -> tuple[str, str]:
        """The text of a note that one of the keys has signed, and that key's name.

        Raises:
            NotProved: none has, or a signature by one of them doesn't hold.
        """
        text, separator, lines = note.rpartition("\n\n")
        if not separator or not lines.endswith("\n"):
            raise NotProved("a signed note is malformed")
        text += "\n"
        signer = ""
        for line in lines[:-1].split("\n"):
            dash, name, encoded = (*line.split(" "), "", "")[:3]
            if dash != "—" or line.count(" ") != 2:  # noqa: PLR2004 - the form of the line
                raise NotProved("a signed note is malformed")
            signature = _base64(encoded)
            key = self._known.get((name, signature[:4]))
            if key is not None:
                _check_signature(text.encode(), signature[4:], key)
                signer = name
        if not signer:
            raise NotProved("a statement is signed by none of the public keys given")
        return text, signer


def _parse_key(text: str) -> tuple[str, bytes, bytes]:
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    typed = _base64(encoded)
    right = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
    if not name or typed[:1] != _ED25519 or len(typed) != 33 or right.hex() != key_id:  # noqa: PLR2004 - type and key
        raise NotProved("that is no public key of a vault: see `manage.py audit public-key`")
    return name, right, typed[1:]


def _check_signature(message: bytes, signature: bytes, key: bytes) -> None:
    try:
        if len(signature) == crypto_sign_BYTES:
            crypto_sign_open(signature + message, key)
            return
    except (CryptoError, ValueError):
        pass
    raise NotProved("a signature does not hold")


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotProved("a signed note or a key is malformed") from None


class Checkpoint(NamedTuple):
    """A tree head."""

    origin: str
    size: int
    root: bytes
    at: int


def open_checkpoint(note: str, keys: Keys) -> Checkpoint:
    """
    Raises:
        NotProved: it is no tree head, or none of the keys has signed it for the tree that it names.
    """
    text, signer = keys.open(note)
    lines = text.split("\n")
    if len(lines) < 5 or lines[0] != signer or str(_number(lines[1])) != lines[1]:  # noqa: PLR2004 - its four lines
        raise NotProved("a tree head is malformed")
    root = _base64(lines[2])
    if len(root) != 32:  # noqa: PLR2004 - SHA-256
        raise NotProved("a tree head is malformed")
    return Checkpoint(lines[0], int(lines[1]), root, _number(lines[3].removeprefix("time ")))


def _pruned_before(note: str, keys: Keys, origin: str) -> int:
    """Up to when retention may have deleted events, in Unix milliseconds."""
    text, signer = keys.open(note)
    lines = text.split("\n")
    if signer != origin or lines[0] != origin or not lines[1].startswith("pruned before "):
        raise NotProved("the statement on deleted events is malformed, or of another tree")
    return _number(lines[1].removeprefix("pruned before "))


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 19:  # noqa: PLR2004 - 64 bits
        raise NotProved("a signed statement is malformed")
    return int(text)


# --- the tree (RFC 9162, section 2.1) ---------------------------------------------------------------------------------


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class _Edge:
    """The roots of the perfect subtrees that the first `size` leaves fall into, from the largest to the smallest."""

    def __init__(self, size: int, hashes: list[bytes]) -> None:
        if size < 0 or len(hashes) != size.bit_count() or any(len(value) != 32 for value in hashes):  # noqa: PLR2004
            raise NotProved("the beginning of the export is malformed")
        self.size = size
        self.hashes = hashes

    def append(self, leaf: bytes) -> None:
        for height in range(self.size.bit_length() + 1):
            if not self.size >> height & 1:
                break
            leaf = _node(self.hashes.pop(), leaf)
        self.hashes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        if not self.hashes:
            return hashlib.sha256(b"").digest()
        root = self.hashes[-1]
        for left in self.hashes[-2::-1]:
            root = _node(left, root)
        return root


def _root_by_path(leaf: bytes, position: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that a path of inclusion leads to, which must be exactly as long as it has to be."""
    if not 0 <= position < size or any(len(value) != 32 for value in path):  # noqa: PLR2004 - SHA-256
        raise NotProved("the proof is malformed")
    found, steps = leaf, iter(path)
    last = size - 1
    try:
        while last:
            if position & 1:
                found = _node(next(steps), found)
            elif position < last:
                found = _node(found, next(steps))
            position, last = position >> 1, last >> 1
    except StopIteration:
        raise NotProved("the proof is too short") from None
    if next(steps, None) is not None:
        raise NotProved("the proof is too long")
    return found


# --- events -----------------------------------------------------------------------------------------------------------

_FIELDS = (
    "id", "tenant", "at", "type", "outcome", "actor_kind", "actor_token", "subject", "request", "detail", "key_id",
    "mac",
)  # fmt: skip


def _leaf_hash(event: Mapping[str, Any]) -> bytes:
    """Of an event with its columns, or of a deleted one, of which the row's hash is left.

    Raises:
        NotProved: it is malformed.
    """
    try:
        event_id = UUID(event["id"]).bytes
        if "row_hash" in event:
            row_hash = bytes.fromhex(event["row_hash"])
        else:
            pieces = [b"databunker.event.1", *(_piece(name, event) for name in _FIELDS)]
            packed = b"".join(len(piece).to_bytes(4, "big") + piece for piece in pieces)
            row_hash = hashlib.sha256(packed).digest()
    except (KeyError, ValueError, TypeError, AttributeError):
        raise NotProved("an event is malformed") from None
    if len(row_hash) != 32:  # noqa: PLR2004 - SHA-256
        raise NotProved("an event is malformed")
    return hashlib.sha256(b"\x00" + event_id + row_hash).digest()


def _piece(name: str, event: Mapping[str, Any]) -> bytes:
    """A column as the row's hash has it; of the person's reference and the detail their hash."""
    if name in ("subject", "detail"):
        if event.get(name) is not None:
            return b"h" + hashlib.sha256(bytes.fromhex(event[name])).digest()
        hashed = event[f"{name}_sha256"]
        return b"\x00" if hashed is None else b"h" + bytes.fromhex(hashed)
    value = event[name]
    if name in ("id", "request"):
        return b"u" + UUID(value).bytes
    if name == "mac":
        return b"b" + bytes.fromhex(value)
    if value is None:
        return b"\x00"
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return b"i%d" % value


# --- proofs of one event ----------------------------------------------------------------------------------------------


def verify_proof(document: Mapping[str, Any], keys: Keys) -> Checkpoint:
    """Whether the event stands at its place under the head, which it returns.

    Raises:
        NotProved: it doesn't.
    """
    try:
        note, position = document["head"], document["position"]
        path = [bytes.fromhex(step) for step in document["path"]]
        event, format_ = document["event"], document["format"]
    except (KeyError, ValueError, TypeError):
        raise NotProved("that is no proof of an event") from None
    if format_ != PROOF_FORMAT or not isinstance(note, str) or type(position) is not int or not isinstance(event, dict):
        raise NotProved("that is no proof of an event")
    head = open_checkpoint(note, keys)
    if _root_by_path(_leaf_hash(event), position, head.size, path) != head.root:
        raise NotProved("the event is not in the tree that was signed")
    return head


# --- exports ----------------------------------------------------------------------------------------------------------


class Summary(NamedTuple):
    """What was proved: the events at positions from `start` up to `end`, and by which head."""

    start: int
    end: int
    events: int
    pruned: int
    heads: int
    head: Checkpoint | None


Seen = Mapping[int, bytes]


def verify_export(files: Iterable[Iterable[bytes]], keys: Keys, *, seen: Mapping[str, Seen] | None = None) -> Summary:
    """Whether the exports, each as its lines and going on where the other ended, hold the very events that were signed.

    Args:
        seen: roots of heads by size, for each origin, that somebody has kept: they must be those of this tree.

    Raises:
        NotProved: they don't; the message says where.
    """
    reading: _Reading | None = None
    for lines in files:
        reading = _Reading(lines, keys, seen or {}, after=reading)
        reading.read()
    if reading is None:
        raise NotProved("there is no export")
    return reading.summary()


class _Reading:
    """One export, being read."""

    def __init__(self, lines: Iterable[bytes], keys: Keys, seen: Mapping[str, Seen], *, after: _Reading | None) -> None:
        self._keys = keys
        self._lines = _objects(lines)
        header = next(self._lines, {})
        try:
            what = header["kind"], header["format"]
            self.origin, self.start, self._end = str(header["origin"]), int(header["from"]), int(header["to"])
            self.edge = _Edge(self.start, [bytes.fromhex(value) for value in header["frontier"]])
        except (KeyError, ValueError, TypeError):
            raise NotProved("that is no export of an audit trail") from None
        if what != ("export", EXPORT_FORMAT):
            raise NotProved("that is no export of an audit trail, or a newer release made it")
        self._seen = dict(seen.get(self.origin, {}))
        self.events = self.pruned = self.heads = 0
        self.head: Checkpoint | None = None
        self._pruned_before = 0
        if after is not None:
            self._go_on(after)

    def _go_on(self, after: _Reading) -> None:
        if (after.origin, after.edge.size, after.edge.hashes) != (self.origin, self.start, self.edge.hashes):
            raise NotProved(f"an export does not go on where the one before ended, at position {after.edge.size}")
        self.start, self.head = after.start, after.head
        self.events, self.pruned, self.heads = after.events, after.pruned, after.heads

    def read(self) -> None:
        steps: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "event": self._event, "pruned": self._event, "pruning": self._pruning, "head": self._head,
        }  # fmt: skip
        for line in self._lines:
            kind = line.get("kind")
            if kind == "end":
                break
            if kind in steps:
                steps[kind](line)
        else:
            raise NotProved(f"the export was cut after position {self.edge.size}")
        if self.edge.size != self._end or self.head is None or self.head.size != self._end:
            raise NotProved(f"the export ends at position {self.edge.size}, without the head of size {self._end}")

    def _event(self, line: Mapping[str, Any]) -> None:
        event, position = line.get("event"), line.get("position")
        if not isinstance(event, dict) or position != self.edge.size:
            raise NotProved(f"the event at position {self.edge.size} is missing: position {position} follows")
        leaf = _leaf_hash(event)
        if "row_hash" in event:
            if UUID(event["id"]).int >> 80 >= self._pruned_before:
                raise NotProved(f"the event at position {position} is gone, and retention has not deleted it")
            self.pruned += 1
        else:
            self.events += 1
        self.edge.append(leaf)
        known = self._seen.pop(self.edge.size, None)
        if known is not None and known != self.edge.root():
            raise NotProved(f"a kept head of size {self.edge.size} is of another tree: the trail was written anew")

    def _pruning(self, line: Mapping[str, Any]) -> None:
        self._pruned_before = _pruned_before(str(line.get("note")), self._keys, self.origin)

    def _head(self, line: Mapping[str, Any]) -> None:
        head = open_checkpoint(str(line.get("note")), self._keys)
        if head.origin != self.origin or head.size != self.edge.size:
            raise NotProved(f"a head of size {head.size} stands at position {self.edge.size}, or is of another tree")
        if head.root != self.edge.root():
            proved = self.head.size if self.head else self.start
            raise NotProved(f"the events at positions {proved} to {head.size - 1} are not those that were signed")
        self.head = head
        self.heads += 1

    def summary(self) -> Summary:
        beyond = max((size for size in self._seen if size > self.edge.size), default=0)
        if beyond:
            raise NotProved(f"a kept head has size {beyond}: the export ends before it, or the trail was rolled back")
        return Summary(self.start, self.edge.size, self.events, self.pruned, self.heads, self.head)


def _objects(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line) if len(line) <= _MOST_LINE_BYTES else None
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise NotProved(f"line {number} of the export is no JSON object, or was cut")
        yield value


# --- the command ------------------------------------------------------------------------------------------------------


def read_seen(path: Path, keys: Keys) -> dict[str, dict[int, bytes]]:
    """Heads that were kept in a file, one JSON object with a `note` a line, as AUDIT_WITNESS_FILE is written.

    Raises:
        NotProved: one of them was not signed by any of the keys.
    """
    seen: dict[str, dict[int, bytes]] = {}
    with path.open("rb") as lines:
        for line in _objects(lines):
            head = open_checkpoint(str(line.get("note")), keys)
            if seen.setdefault(head.origin, {}).setdefault(head.size, head.root) != head.root:
                raise NotProved(f"two heads of size {head.size} were kept: the trail was written anew")
    return seen


def _key_texts(given: Sequence[str]) -> Iterator[str]:
    """A key, or a file with one a line."""
    for text in given:
        if "+" in text:
            yield text
        else:
            yield from Path(text).read_text(encoding="utf-8").split()


def judge(files: Sequence[str], public_keys: Sequence[str], witness: str | None) -> str:
    """What was proved of these files, in words.

    Raises:
        NotProved: it was not.
        OSError: a file can't be read.
    """
    keys = Keys(_key_texts(public_keys))
    document = _document(files[0]) if len(files) == 1 else {}
    if document.get("format") == PROOF_FORMAT:
        head = verify_proof(document, keys)
        return f"Proved: the event stands at position {document['position']} of {head.origin}, of size {head.size}."
    seen = read_seen(Path(witness), keys) if witness else {}
    done = verify_export(map(_lines_of, files), keys, seen=seen)
    assert done.head is not None  # noqa: S101 - else it were refused
    deleted = f", {done.pruned:,} deleted by retention" if done.pruned else ""
    return (
        f"Proved: {done.events:,} events{deleted}, positions {done.start:,} to {done.end - 1:,} of {done.head.origin}, "
        f"by {done.heads:,} heads."
    )


def _document(name: str) -> dict[str, Any]:
    """The file as one JSON object, where it is one; an export is many."""
    with Path(name).open("rb") as file:
        text = file.read(_MOST_LINE_BYTES)
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _lines_of(name: str) -> Iterator[bytes]:
    with Path(name).open("rb") as file:
        while line := file.readline(_MOST_LINE_BYTES + 1):
            yield line


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="verifier", description="Verify an exported audit trail, or the proof of one event, without the vault."
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="exports in their order, or one proof")
    parser.add_argument(
        "--public-key", action="append", required=True, metavar="KEY",
        help="as `manage.py audit public-key` prints it, or a file with such lines; may be repeated",
    )  # fmt: skip
    parser.add_argument("--witness", metavar="FILE", help="heads that were kept, as AUDIT_WITNESS_FILE has them")
    options = parser.parse_args(arguments)
    try:
        sys.stdout.write(judge(options.files, options.public_key, options.witness) + "\n")
    except NotProved as refusal:
        sys.stdout.write(f"NOT PROVED: {refusal}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.filename} can't be read: {error.strerror}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
