from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "databunker.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from . import checks  # noqa: F401, PLC0415 - registers the system checks
