from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "databunker.notify"
    label = "notify"
    verbose_name = "Notifications"

    def ready(self) -> None:
        from databunker.crypto.configured import register_key_management  # noqa: PLC0415 - as below

        from . import checks, transit  # noqa: F401, PLC0415 - registers the system checks

        register_key_management(transit)
