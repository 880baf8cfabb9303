"""What a page takes for granted when its commands begin: shell of the stage, by the page's name."""

from __future__ import annotations

__all__ = ["BEFORE", "SETTINGS"]

_ROOT = "-H 'X-Bunker-Token: DEMO'"
_VAULT = "http://127.0.0.1:3000"
# The value of a member of the JSON on standard input, however deep.
_MEMBER = """member() { grep -oE "\\"$1\\":\\"[^\\"]+" | head -1 | cut -d'"' -f4; }"""

_SEVEN_TOKENS = """
python - <<'END'
import django, io
django.setup()
from django.core.management import call_command
for _ in range(7):
    call_command("access_token", "create", "--label", "till", stdout=io.StringIO())
END
"""

_BACKUP_AND_ERASURE = f"""
{_MEMBER}
manage.py backup vault.backup
TOKEN=$(curl {_ROOT} {_VAULT}/v1/user/login/joao | member token)
RECEIPT=$(curl -X DELETE {_ROOT} {_VAULT}/v1/user/login/joao | member receipt)
"""

_DEAD_LETTERS = """
python - <<'END' > ids
import django
django.setup()
from databunker.access.actor import operator
from databunker.notify.models import Job, JobState
from vault.actions import create_record
for login in ("carl", "dora"):
    create_record(operator(), profile={"login": login})
Job.objects.update(state=JobState.DEAD)
print(Job.objects.first().id)
END
ID=$(cat ids)
"""

_PEER = """
python - <<'END' > databunker.key
from pathlib import Path
from tests.support.databases import Database
from tests.support.peer import Peer
peer = Peer(Database(f"sqlite:///{Path('/var/lib/databunker/databunker.db')}"), "sqlite")
peer.person(login="carl", email="carl@example.com")
print(peer.key_text)
END
"""

# The journal is that of the stage's vault, not of one that the page makes.
_NO_JOURNAL = "unset ERASURE_JOURNAL_FILE"

# A project of its own, whose database is not to be among the examples.
_SHOP = """
export SHOP_DATABASE=$PWD/shop.sqlite3
python() { DJANGO_SETTINGS_MODULE=shop.settings command python "$@"; }
"""

BEFORE = {
    "README.md": _NO_JOURNAL,
    "docs/access.md": f"""
{_SEVEN_TOKENS}
manage.py canary add --count 1
TOKEN=$(manage.py canary list | grep -oE '[0-9a-f]{{8}}-[0-9a-f-]{{27}}' | head -1)
""",
    "docs/audit.md": f"""
{_MEMBER}
EVENT=$(curl {_ROOT} '{_VAULT}/v1/audit/admin?limit=1' | member atoken)
export AUDIT_WITNESS_FILE=$PWD/heads.jsonl
manage.py maintenance
""",
    "docs/disaster.md": f"""
{_BACKUP_AND_ERASURE}
manage.py erasures export erasures-1.jsonl
cp erasures-1.jsonl erasures-2.jsonl
export DATABASE_URL=postgres://vault:secret@db.internal:5432/vault
""",
    "docs/erasure.md": f"""
{_BACKUP_AND_ERASURE}
manage.py maintenance
curl {_ROOT} {_VAULT}/v1/receipt/$RECEIPT > receipt.json
KEY=$(manage.py audit public-key)
""",
    "docs/incidents.md": f"{_SEVEN_TOKENS}\nmanage.py account create ada --role admin\nmanage.py account create bea --role dpo",
    "examples/django-shop/README.md": _SHOP,
    "docs/load.md": """printf '{"email":"carl@example.com"}\\n{"email":"dora@example.com"}\\n' > people.jsonl""",
    "docs/migrating.md": _PEER,
    "docs/notifications.md": _DEAD_LETTERS,
    "docs/operations.md": _SEVEN_TOKENS,
    "docs/quickstart.md": _NO_JOURNAL,
    "docs/runbook.md": "manage.py erasures export /journals/erasures.jsonl",
    "docs/tutorials/login.md": _SHOP,
}

# Of the page's vault, beside those of every stage.
SETTINGS = {
    "docs/notifications.md": {"NOTIFICATION_URL": "https://hooks.example.com/", "NOTIFICATION_SECRET": "x" * 32}
}
