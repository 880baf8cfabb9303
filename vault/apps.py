from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "vault"
    verbose_name = "Vault"

    def ready(self) -> None:
        from . import checks  # noqa: F401, PLC0415 - registers the system checks
