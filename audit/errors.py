"""What can be wrong with a tree. Messages name positions and events, never what an event says."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from databunker.crypto.errors import CryptoError
from databunker.errors import Conflict

__all__ = ["NotSealed", "TreeDamaged"]


class TreeDamaged(CryptoError):
    """What is stored of a tree is not what was signed: somebody has written to its tables."""


class NotSealed(Conflict):
    """The event has no place in the tree yet; the sealer comes to it within seconds."""

    message = gettext_noop("the event is not sealed yet: try again in a few seconds")
