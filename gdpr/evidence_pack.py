"""The evidence of a request as one zip file, which says itself how to verify it. The same evidence, the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from audit.events import by_number
from audit.proofs import Proof

from .queries.evidence import Evidence
from .requests import holidays

__all__ = ["PACK_FORMAT", "evidence_pack"]

PACK_FORMAT = "databunker-evidence/1"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that a zip file knows
_READABLE = 0o644 << 16

_README = """\
# Evidence of one request

- `request.json`: what was asked for, what it touched, by when it had to be answered, what was decided and why.
- `history.json`: who did what, and what those who decide said about it, oldest first.
- `events/`: each event of the request, and what its approval did, with the proof that it stands in the audit trail.
- `head.txt`: the signed head of the trail that all of these proofs lead to.
- `public-keys.txt`: the keys that the trail is signed with.
{receipt}
`request.json` and `history.json` hold personal data.

## Verify it, without the vault

Ask whoever runs the vault for its public key by another way than this file (`manage.py audit public-key` prints it): a
key that comes along with what it proves proves nothing. Then, with the vault's software, which needs neither database
nor keys for it (or with `python audit/verifier.py`, one file of it, in the place of `manage.py audit verify-export`):

    KEY='{key}'
    for file in events/*.json; do manage.py audit verify-export "$file" --public-key "$KEY"; done
{verify}
Each says what is proved and ends with 0, or says what does not hold and ends with 1. An event shows its type, time,
caller and outcome as numbers; whom it is about, and what it says of them, stand in it as hashes only.
{forgotten}"""

_FORGOTTEN = """
The person was forgotten: what the request held is erased, and nobody can read any more which of the person's requests
an event tells of. The events are those of all requests in the time of this one.
"""


def evidence_pack(evidence: Evidence, *, names: Mapping[int, str]) -> bytes:
    """`names` are those of the accounts, by their numbers."""
    files = {
        "request.json": _json({"format": PACK_FORMAT, **_request(evidence)}),
        "history.json": _json(_history(evidence, names)),
        "public-keys.txt": "".join(f"{key}\n" for key in evidence.public_keys).encode(),
        **{_name(number, proof): _json(proof.document()) for number, proof in enumerate(evidence.proofs, 1)},
    }
    if evidence.proofs:
        last = evidence.proofs[-1]
        files["head.txt"] = last.head.note(last.tree).encode()
    if evidence.receipt:
        files["receipt.json"] = _json(evidence.receipt)
    files["README.md"] = _readme(evidence).encode()
    return _zip(files)


def _zip(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, _READABLE
            archive.writestr(entry, content)
    return packed.getvalue()


def _readme(evidence: Evidence) -> str:
    receipt = "- `receipt.json`: the receipt of the erasure.\n" if evidence.receipt else ""
    verify = '    manage.py audit verify-receipt receipt.json --public-key "$KEY"\n' if evidence.receipt else ""
    return _README.format(
        receipt=receipt,
        key=evidence.public_keys[-1],
        verify=verify,
        forgotten=_FORGOTTEN if evidence.request.holder.forgotten else "",
    )


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def _name(number: int, proof: Proof) -> str:
    kind = by_number(proof.event.type).code if proof.event else "deleted"
    return f"events/{number:04}-{kind}.json"


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC).isoformat()


def _request(evidence: Evidence) -> dict[str, Any]:
    request, wish, free = evidence.request, evidence.wish, holidays()
    row, clock = request.stored, request.clock
    return {
        "request": str(request.token) if request.token else None,
        "person": str(request.holder.token),
        "action": request.action.label,
        "state": request.state.label,
        "app": wish.app,
        "brief": wish.brief,
        "verb": wish.verb,
        "change": wish.change,
        "original": wish.original,
        "received": _time(row.created),
        "due": _time(clock.due(free)),
        "due_without_pause": _time(clock.unpaused_due(free)),
        "extended": _time(row.extended),
        "identity_asked": _time(row.asked),
        "identity_proved": _time(row.verified),
        "decided": _time(row.decided),
        "decided_by": request.decided_by,
        "reasons": request.reasons(),
    }


def _history(evidence: Evidence, names: Mapping[int, str]) -> list[dict[str, Any]]:
    return [
        {
            "event": str(event.id),
            "at": _time(event.at),
            "type": event.type.code,
            "step": event.step,
            "by": event.kind.label,
            "number": event.number,
            "name": names.get(event.number or 0) if event.is_account else None,
            "comment": event.comment,
            "assigned_to": names.get(event.account or 0),
        }
        for event in reversed(evidence.events)
    ]
