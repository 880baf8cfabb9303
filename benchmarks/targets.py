"""What is aimed at, on a machine with 2 cores."""

from __future__ import annotations

__all__ = ["BULK_KEPT", "BULK_RATE", "CONNECTIONS", "EMPTY_SHARE", "GROWTH_CONNECTIONS", "P99_MS", "RATES", "TITLES"]

CONNECTIONS = (1, 8, 16, 64)
GROWTH_CONNECTIONS = 16

TITLES = {
    "get_token": "GET by token",
    "get_email": "GET by e-mail",
    "update": "Update (merge patch)",
    "create": "Create",
}

# (work, connections) -> requests a second
RATES = {
    ("get_token", 1): 1_000,
    ("get_token", 8): 2_400,
    ("get_token", 16): 2_500,
    ("get_token", 64): 2_400,
    ("get_email", 16): 2_300,
    ("create", 1): 500,
    ("create", 8): 1_300,
    ("create", 16): 1_500,
    ("create", 64): 1_200,
    ("update", 16): 1_300,
}
# (work, connections) -> milliseconds that 99 of 100 answers stay under
P99_MS = {("get_token", 16): 25, ("create", 16): 40}
# work -> least share of what the empty Django view reaches
EMPTY_SHARE = {"get_token": 0.37, "get_email": 0.37}
# records a second, and the least share of it that is left in the largest vault
BULK_RATE = 6_000
BULK_KEPT = 0.8
