"""Whom has a caller seen or changed? After an incident, for those who have to be told.

`who_read.py "admin 7" 2026-11-01`: each person's token, with the number of calls and what they were, since that day.
DATABUNKER_URL and DATABUNKER_TOKEN say where and as whom: an access token that may read everybody's events.
"""

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from vault_client import Vault

PAGE = 1000


def events(vault: Vault, since: float) -> Iterator[dict[str, Any]]:
    """Newest first. What is written meanwhile moves events to later pages, so one may come twice and none is missed."""
    seen: set[str] = set()
    offset = 0
    while rows := vault.call("GET", f"/v1/audit/admin?offset={offset}&limit={PAGE}")["rows"]:
        for row in rows:
            if row["when"] < since:
                return
            if row["atoken"] not in seen:
                seen.add(row["atoken"])
                yield row
        offset += PAGE


def main(who: str, day: str) -> None:
    vault = Vault(os.environ["DATABUNKER_URL"], os.environ["DATABUNKER_TOKEN"], purpose="incident")
    since = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
    people: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for event in events(vault, since):
        if event["who"] == who and event["status"] == "ok" and event["record"]:
            people[event["record"]][event["title"]] += 1
    for token, titles in people.items():
        print(token, titles.total(), ", ".join(sorted(titles)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
