from django.contrib.auth.hashers import Argon2PasswordHasher


class QuickHasher(Argon2PasswordHasher):
    """Argon2id at the least cost there is."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
