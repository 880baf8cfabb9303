from django.apps import AppConfig


class CryptoConfig(AppConfig):
    name = "databunker.crypto"
    label = "crypto"
    verbose_name = "Keys"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401, PLC0415 - registers the system check
