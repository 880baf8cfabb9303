"""`manage.py import_databunker`: everything that a Databunker knows, into this vault, under the same tokens."""

from .entries import Reading
from .errors import ImportError_, ImportRefused, ImportStopped
from .peer import PeerKey, open_peer
from .runner import Options, Tally, run_import

__all__ = [
    "ImportError_",
    "ImportRefused",
    "ImportStopped",
    "Options",
    "PeerKey",
    "Reading",
    "Tally",
    "open_peer",
    "run_import",
]
