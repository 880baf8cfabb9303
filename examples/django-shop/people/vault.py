from django.conf import settings

from .vault_client import Vault

__all__ = ["vault"]


def vault() -> Vault:
    return Vault(settings.DATABUNKER_URL, settings.DATABUNKER_TOKEN, purpose="shop", timeout=5)
