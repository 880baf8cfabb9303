"""`manage.py load`: a company's people from a file or a pipe into the vault, resumable at any moment."""

from .errors import LoadError, LoadRefused, LoadStopped
from .loader import Options, Tally, load
from .source import STANDARD_INPUT, Source, open_source

__all__ = [
    "STANDARD_INPUT",
    "LoadError",
    "LoadRefused",
    "LoadStopped",
    "Options",
    "Source",
    "Tally",
    "load",
    "open_source",
]
