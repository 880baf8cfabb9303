from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "vault"
    verbose_name = "Vault"

    def ready(self) -> None:
        from databunker.notify import jobs  # noqa: PLC0415 - has models

        from . import checks, storage  # noqa: F401, PLC0415 - registers the system checks

        jobs.key_sources.append(storage.key_of)
