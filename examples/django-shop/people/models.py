from __future__ import annotations

import uuid
from functools import cached_property
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from .vault import vault


class PersonManager(BaseUserManager["Person"]):
    def create_user(self, token: str | uuid.UUID, password: str | None = None) -> Person:
        person = self.model(token=token)
        person.set_password(password)
        person.save(using=self._db)
        return person


class Person(AbstractBaseUser):
    """Whoever has signed up: the vault's token and a password's hash, nothing that says who it is.

    Other tables refer to this row, or have the token; neither needs to change when the person does, or is forgotten.
    """

    token = models.UUIDField(unique=True, editable=False)

    USERNAME_FIELD = "token"
    objects = PersonManager()

    @cached_property
    def profile(self) -> dict[str, Any]:
        """What the vault has of the person, read once a request; never stored here, in a session, or in a cache."""
        return vault().get(str(self.token))
