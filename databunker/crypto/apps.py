from django.apps import AppConfig


class CryptoConfig(AppConfig):
    name = "databunker.crypto"
    label = "crypto"
    verbose_name = "Keys"
    default_auto_field = "django.db.models.BigAutoField"
