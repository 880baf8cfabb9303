"""Let atheris look for inputs that break one target: `make fuzz`, or `python -m tests.fuzz.run json_text --seconds 600`.

New inputs that reach new code are put into `.fuzz/TARGET`, one that breaks the target beside them as `crash-…`. Put
that one into `tests/fuzz/corpus/TARGET` with the change that mends it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.fuzz.corpus import CORPUS

PROJECT = Path(__file__).resolve().parent.parent.parent
MEMORY_MEGABYTES = 1024
SECONDS_AN_INPUT = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("target", nargs="?")
    parser.add_argument("--list", action="store_true", help="print the names of all targets")
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    if options.list:
        sys.stdout.write(" ".join(sorted(path.name for path in CORPUS.iterdir())) + "\n")
        return
    import atheris

    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    with atheris.instrument_imports(include=["databunker", "gdpr", "vault", "jsonpatch", "jsonpointer"]):
        import django

        django.setup()
        from tests.fuzz import targets
    if options.target not in targets.TARGETS:
        parser.error(f"there is no target {options.target}: one of {', '.join(targets.TARGETS)}")
    targets.use_keyring()
    found = PROJECT / ".fuzz" / options.target
    found.mkdir(parents=True, exist_ok=True)
    known = CORPUS / options.target
    arguments = [
        sys.argv[0],
        f"-max_total_time={options.seconds}",
        f"-max_len={targets.MAX_INPUT}",
        f"-timeout={SECONDS_AN_INPUT}",
        f"-rss_limit_mb={MEMORY_MEGABYTES}",
        f"-artifact_prefix={found}/",
        "-print_final_stats=1",
        str(found),
        str(known),
    ]
    atheris.Setup(arguments, targets.TARGETS[options.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
