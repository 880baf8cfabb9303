"""A Databunker database as it is: reached through its driver, read only, and decrypted with its own key."""

from .crypto import PeerKey, Unreadable
from .database import Column, PeerDatabase, Row, open_peer

__all__ = ["Column", "PeerDatabase", "PeerKey", "Row", "Unreadable", "open_peer"]
