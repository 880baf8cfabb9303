from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "databunker.access"
    label = "access"
    verbose_name = "Access"

    def ready(self) -> None:
        from . import checks  # noqa: F401, PLC0415 - registers the system checks
