"""What a sub-command of `manage.py keys` is."""

from databunker.management.verb import Verb

__all__ = ["Verb"]
