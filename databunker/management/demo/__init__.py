"""A small company to look at: made-up people and a past, made by the product's own actions."""

from .furnish import ACCOUNTS, PASSWORD, NotADemo, furnish, is_furnished

__all__ = ["ACCOUNTS", "PASSWORD", "NotADemo", "furnish", "is_furnished"]
