#!/usr/bin/env python3
"""Take up the texts of templates and code into locale/*/LC_MESSAGES/django.po, and compile these.

    python scripts/messages.py              both; taking up needs gettext (Debian: apt-get install gettext)
    python scripts/messages.py --compile    only compile, which needs nothing but Python

The compiled files are kept in the repository: a vault runs without gettext.
"""

from __future__ import annotations

import argparse
import ast
import re
import struct
import subprocess
import sys
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = {"de": "(n != 1)", "fr": "(n > 1)", "es": "(n != 1)"}
IGNORED = (".venv/*", "var/*", "tests/*", "node_modules/*")
HEADER = re.compile(r"\A.*?^msgid \"\"\nmsgstr \"\"\n(?:\"[^\n]*\"\n)*", re.MULTILINE | re.DOTALL)


def header(language: str) -> str:
    """Without a date: a file changes when a text does."""
    lines = [
        f"Language: {language}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=UTF-8",
        "Content-Transfer-Encoding: 8bit",
        f"Plural-Forms: nplurals=2; plural={LANGUAGES[language]};",
    ]
    return 'msgid ""\nmsgstr ""\n' + "".join(f'"{line}\\n"\n' for line in lines)


def po_file(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def take_up() -> None:
    options = [option for pattern in IGNORED for option in ("--ignore", pattern)]
    for language in LANGUAGES:
        command = [sys.executable, "manage.py", "makemessages", "-l", language, "--no-location", "--no-wrap"]
        subprocess.run([*command, "--no-obsolete", "-v0", *options], cwd=ROOT, check=True)
        path = po_file(language)
        # A function, as the text has backslashes.
        path.write_text(HEADER.sub(partial(_instead, header(language)), unguessed(path.read_text()), count=1))


def _instead(text: str, _: re.Match[str]) -> str:
    return text


def unguessed(text: str) -> str:
    """Without what gettext guesses from texts that look alike: what is new is empty, and waits for somebody."""
    blocks = text.split("\n\n")
    return "\n\n".join(
        _emptied(block) if "#, fuzzy" in block and number else block for number, block in enumerate(blocks)
    )


def _emptied(block: str) -> str:
    lines = [line for line in block.splitlines() if not line.startswith(("#,", "#|"))]
    return "\n".join(re.sub(r'^(msgstr(?:\[\d\])?) ".*"$', r'\1 ""', line) for line in lines)


def read(text: str) -> dict[str, str]:
    """Translations by what they translate, as a compiled file has them: plurals behind zero bytes.

    What is marked as fuzzy is left out: nobody has looked at it.
    """
    found = {}
    for block in re.split(r"\n\s*\n", text):
        if re.search(r"^#,.*fuzzy", block, re.MULTILINE):
            continue
        parts: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            named = re.match(r"(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) (\".*\")", line)
            if named:
                key = named[1]
            if named or line.startswith('"'):
                parts[key] = parts.get(key, "") + ast.literal_eval(named[2] if named else line)
        if "msgid" not in parts:
            continue
        context = f"{parts['msgctxt']}\x04" if "msgctxt" in parts else ""
        plural = f"\0{parts['msgid_plural']}" if "msgid_plural" in parts else ""
        texts = [text for name, text in sorted(parts.items()) if name.startswith("msgstr")]
        if all(texts):
            found[context + parts["msgid"] + plural] = "\0".join(texts)
    return found


def compiled(translations: dict[str, str]) -> bytes:
    """GNU's binary form: a table of the texts in order, one of their translations, then all of them."""
    pairs = [(key.encode(), value.encode()) for key, value in sorted(translations.items(), key=lambda pair: pair[0])]
    pairs.sort()
    offset = 28 + 16 * len(pairs)
    tables, texts = [b"", b""], b""
    for column in (0, 1):
        for pair in pairs:
            tables[column] += struct.pack("<II", len(pair[column]), offset + len(texts))
            texts += pair[column] + b"\0"
    start = struct.pack("<IIIIIII", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, offset)
    return start + tables[0] + tables[1] + texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compile", action="store_true", help="only compile")
    if not parser.parse_args().compile:
        take_up()
    for language in LANGUAGES:
        path = po_file(language)
        path.with_suffix(".mo").write_bytes(compiled(read(path.read_text())))


if __name__ == "__main__":
    main()
