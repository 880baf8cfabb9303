from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "databunker.portal"
    label = "portal"
    verbose_name = "Portal"
