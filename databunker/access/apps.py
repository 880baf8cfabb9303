from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "databunker.access"
    label = "access"
    verbose_name = "Access"
