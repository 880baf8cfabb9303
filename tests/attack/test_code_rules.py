"""Rules that no test of behaviour can see: how secrets are compared, where chance comes from, how SQL is put together."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.database_independent

PROJECT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("databunker", "gdpr", "vault", "audit")


@cache
def parsed() -> tuple[tuple[str, ast.Module], ...]:
    return tuple(sources())


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every file of the product; migrations are as Django writes them."""
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield str(path.relative_to(PROJECT)), ast.parse(path.read_text())


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for name, module in parsed():
        yield from ((name, node) for node in ast.walk(module))


def test_the_rules_look_at_the_whole_product() -> None:
    names = {name for name, _ in sources()}
    assert {"vault/storage.py", "databunker/crypto/keyring.py", "audit/trail.py"} <= names
    assert len(names) > 60


# --- comparing -------------------------------------------------------------------------------------------------------

SECRET = re.compile(r"(^|_)(digest|mac|secret|token|unlock|code|password|key|nonce|signature|subject|fingerprint)s?$")
# What is compared with == all the same, and why that gives nothing away.
HARMLESS = {
    # References, not tokens: the caller has proved who it is, and guesses nothing.
    ("databunker/access/permissions.py", "subject == actor.subject"),
    # The number that stands in clear in the header of every wrapped key.
    ("databunker/crypto/masterkey.py", "fingerprint == self.fingerprint"),
    # Both sides are made from what is stored and sent: whether they differ is told by the outcome anyway.
    ("vault/actions/change.py", "new.digests == old.digests"),
}


def name_of(node: ast.expr) -> str:
    """What is compared: `row.digest`, `digest[:4]`, `bytes(digest)` and `digest.hex()` are all a digest; its length is not."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        return name_of(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("hex", "lower"):
        return name_of(node.func.value)
    if isinstance(node, ast.Call) and name_of(node.func) in ("bytes", "str"):
        return name_of(node.args[0])
    return ""


def compared_secrets() -> set[tuple[str, str]]:
    return {
        (name, ast.unparse(node))
        for name, node in nodes()
        if isinstance(node, ast.Compare)
        and any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops)
        and any(SECRET.search(name_of(side)) for side in (node.left, *node.comparators))
    }


def test_secrets_are_compared_in_constant_time() -> None:
    assert compared_secrets() == HARMLESS


# --- chance ----------------------------------------------------------------------------------------------------------


def imports() -> Iterator[tuple[str, str]]:
    for name, node in nodes():
        if isinstance(node, ast.Import):
            yield from ((name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield name, str(node.module)


def test_chance_comes_from_the_system_and_nothing_reads_code_as_data() -> None:
    forbidden = {"random", "pickle", "marshal", "shelve", "numpy", "telnetlib", "xml"}
    assert [(name, module) for name, module in imports() if module.partition(".")[0] in forbidden] == []
    calls = {(name, name_of(node.func)) for name, node in nodes() if isinstance(node, ast.Call)}
    # Databunker derives a key by MD5: what is imported from there is opened with it, and nothing else.
    calls.remove(("gdpr/importing/peer/crypto.py", "md5"))
    assert [call for call in calls if call[1] in ("eval", "exec", "uuid1", "uuid3", "uuid5", "md5", "sha1")] == []


def test_only_libsodium_and_keyed_blake2b_do_cryptography() -> None:
    found = {(name, module.partition(".")[0]) for name, module in imports()}
    assert {pair for pair in found if pair[1] in ("nacl", "hashlib", "hmac", "cryptography", "Crypto", "ssl")} == {
        ("databunker/crypto/envelope.py", "nacl"),
        ("databunker/crypto/recovery.py", "nacl"),
        ("databunker/crypto/secret_stream.py", "nacl"),
        ("databunker/crypto/signing.py", "nacl"),
        ("databunker/crypto/hashing.py", "hashlib"),
        # RFC 9162 and the signed note, which others verify without any key: SHA-256.
        ("audit/leaves.py", "hashlib"),
        ("audit/merkle.py", "hashlib"),
        ("audit/notes.py", "hashlib"),
        # What an auditor runs without anything of ours.
        ("audit/verifier.py", "hashlib"),
        ("audit/verifier.py", "nacl"),
        ("databunker/crypto/hashing.py", "hmac"),
        # What receivers check and servers prove: HMAC-SHA256 of webhooks, and TLS.
        ("databunker/notify/webhooks.py", "hmac"),
        ("databunker/notify/outgoing.py", "ssl"),
        # A puzzle for clients, whose browsers know SHA-256; it guards nothing by being secret.
        ("databunker/access/proof_of_work.py", "hashlib"),
        # What a receipt states, and whoever checks it computes without any key.
        ("databunker/erasure/statement.py", "hashlib"),
        ("databunker/erasure/verifying.py", "hashlib"),
        # By which anybody can tell, without any key, which script the trail speaks of.
        ("gdpr/scripts.py", "hashlib"),
        # Opens what is imported from Databunker.
        ("gdpr/importing/peer/crypto.py", "cryptography"),
        ("gdpr/importing/peer/crypto.py", "hashlib"),
        # The challenge of PKCE, as RFC 7636 has it.
        ("databunker/accounts/oidc.py", "hashlib"),
        # Of a whole file that is loaded; what is stored is a keyed hash of it.
        ("vault/loading/source.py", "hashlib"),
    }
    hashes = [
        node
        for name, node in nodes()
        if isinstance(node, ast.Call)
        and re.fullmatch(r"hashlib\.\w+", ast.unparse(node.func))
        and name.startswith("databunker/crypto/")
    ]
    assert {ast.unparse(node.func) for node in hashes} == {"hashlib.blake2b"}
    assert all({"key", "person"} <= {keyword.arg for keyword in node.keywords} for node in hashes)


def test_what_a_data_key_has_sealed_is_opened_with_keys_that_others_have_made_too() -> None:
    """`store.unseal` and `store.keyring_with` read the keyring anew for a key that this process lacks."""
    calls = [(name, ast.unparse(node.func)) for name, node in nodes() if isinstance(node, ast.Call)]
    assert [call for call in calls if re.search(r"current_keyring\(\)\.(open|open_detail|get)$", call[1])] == []


# --- SQL -------------------------------------------------------------------------------------------------------------

STATEMENT = re.compile(
    r"^(SELECT|UPDATE|COPY|PREPARE|EXECUTE|WITH)\b|INSERT INTO|DELETE FROM|\b(WHERE|LIMIT|ORDER BY)\b"
)
# What is put into the text of a statement. Each is made of our own constants: names of tables and columns, `%s`,
# other statements. A value never is: it travels as a parameter.
PARTS = {
    # Names that Django quotes, of the tables and columns of our own models; of a sequence, as the database names it.
    "audit/exporting.py": {"EVENT_COLUMNS"},
    "audit/rows.py": {"EVENT_COLUMNS"},
    "audit/verification/chunks.py": {"EVENT_COLUMNS"},
    "databunker/backup/counters.py": {"quoted(table.counter)", "quoted(table.name)", "sequence"},
    "databunker/backup/restoring.py": {"quoted(table.name)"},
    "databunker/backup/snapshot.py": {"name", "columns", "quoted(table.name)"},
    # Statements that Django has made of query sets, whose values travel as parameters.
    "databunker/db/counting.py": {"', '.join(parts)"},
    "databunker/db/prepared.py": {"name", "_numbered(sql)", "', '.join(['%s'] * sql.count('%s'))"},
    "databunker/db/statements.py": {
        "table", "values", "', '.join(columns)", "', '.join([row] * rows)", "insert.table", "update.table",
        "changes", "where", "names", "given",
        "', '.join(insert.columns)", "guard[0]", "steps", "select[0]", "recorded", "number", "sql",
    },
    "vault/storage.py": {"_COLUMNS", "_SLIM_COLUMNS", "_WITH_DIGEST", "wanted"},
    # Names of the other vault's tables, each checked to be a plain name and quoted.
    "gdpr/importing/peer/database.py": {
        "name", "held", "key", "keys", "where", "wanted", "number", "self._quoted(table)",
        "', '.join([self._kind.parameter] * len(order))",
    },
}  # fmt: skip


def text_of(node: ast.JoinedStr) -> str:
    return "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))


def parts_in_sql() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, node in nodes():
        if isinstance(node, ast.JoinedStr) and STATEMENT.search(text_of(node)):
            parts = {ast.unparse(part.value) for part in node.values if isinstance(part, ast.FormattedValue)}
            found.setdefault(name, set()).update(parts)
    return found


def test_no_value_is_put_into_the_text_of_a_statement() -> None:
    for name, parts in parts_in_sql().items():
        assert parts <= PARTS.get(name, set()), name


def test_no_other_way_of_making_text_makes_sql() -> None:
    """`%`, `+` and `format` on a statement."""
    offences = []
    for name, node in nodes():
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
            sides = [side for side in (node.left, node.right) if isinstance(side, ast.Constant | ast.JoinedStr)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            sides = [node.func.value]
        else:
            continue
        texts = [
            str(side.value) if isinstance(side, ast.Constant) else text_of(side)
            for side in sides
            if isinstance(side, ast.Constant | ast.JoinedStr)
        ]
        offences += [(name, ast.unparse(node)) for text in texts if STATEMENT.search(text)]
    assert offences == []


def test_parts_of_statements_come_from_nowhere_else() -> None:
    """The names that stand in a statement are given to `Insert` as constants, in one module of each table."""
    given = {
        (name, ast.unparse(node.args[0]))
        for name, node in nodes()
        if isinstance(node, ast.Call) and name_of(node.func) == "Insert" and node.args
    }
    # A backup is of all tables: it takes the names that our models have.
    given.remove(("databunker/backup/restoring.py", "quoted(table.name)"))
    assert given
    assert all(re.fullmatch(r"'[a-z_]+'", table) for _, table in given), given


# --- telling ---------------------------------------------------------------------------------------------------------


def test_nothing_is_printed() -> None:
    """Commands write to their own streams, servers to their log."""
    assert [name for name, node in nodes() if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"] == []


TOLD_BY = {"debug", "info", "warning", "error", "exception", "critical", "log", "write"}
# Where a secret is shown on purpose: to the operator's terminal, once, when it is made.
SHOWN = {
    ("databunker/management/keys/new_master_key.py", "made.key.secret.hex()"),
    ("databunker/management/keys/recover.py", "master.key.secret.hex()"),
    ("databunker/management/audit/public_key.py", "key"),  # for everybody to check signatures with
    ("databunker/management/commands/account.py", "password"),
    ("databunker/management/commands/canary.py", "str(token)"),
    ("databunker/management/commands/demo.py", "token"),  # the demonstration's, which everybody knows
    ("databunker/management/commands/init.py", "outcome.root_token"),
    ("databunker/management/commands/init.py", "outcome.master_key"),
}


def secrets_in(node: ast.AST) -> set[str]:
    """Names of secrets whose value comes into a text: not their length, not whether there is one."""
    parts = [part.value for part in ast.walk(node) if isinstance(part, ast.FormattedValue)]
    if isinstance(node, ast.Call):
        parts += node.args
    return {ast.unparse(part) for part in parts if isinstance(part, ast.expr) and SECRET.search(name_of(part))}


def test_no_secret_is_put_into_a_log_line_or_a_message() -> None:
    told = set()
    for name, node in nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TOLD_BY:
            told |= {(name, secret) for secret in secrets_in(node)}
        elif isinstance(node, ast.Raise) and node.exc is not None:
            told |= {(name, secret) for secret in secrets_in(node.exc)}
    assert told == SHOWN


def test_no_code_goes_around_what_protects_pages() -> None:
    """What Django's templates and forms do by themselves stays on."""
    forbidden = {"mark_safe", "csrf_exempt", "SafeString", "RawSQL", "extra"}
    used = {(name, ast.unparse(node.func)) for name, node in nodes() if isinstance(node, ast.Call)}
    known = {
        # A picture of the library's, of an address that is quoted before.
        ("databunker/console/own_account.py", "mark_safe"),
        ("databunker/pages/templatetags/pages.py", "mark_safe"),
    }
    assert [call for call in used - known if call[1].rpartition(".")[2] in forbidden] == []


PAGES = sorted((PROJECT / "templates").rglob("*.html"))
UNSAFE = {
    "text that is not escaped": re.compile(r"\|\s*safe\b|autoescape\s+off|safeseq"),
    "script in an attribute": re.compile(r"""<[^>]*\son[a-z]+\s*=\s*["']""", re.IGNORECASE),
    "script in a link": re.compile(r"javascript:", re.IGNORECASE),
    "something from elsewhere": re.compile(r"""(?:src|href)\s*=\s*["'](?:https?:)?//""", re.IGNORECASE),
}


def test_pages_escape_what_they_show_and_hold_no_script() -> None:
    assert PAGES
    found = [
        (str(page.relative_to(PROJECT)), what)
        for page in PAGES
        for what, pattern in UNSAFE.items()
        if pattern.search(page.read_text())
    ]
    assert found == []
