from django.apps import AppConfig


class DatabunkerConfig(AppConfig):
    """The product as a whole: its commands are those that concern more than one app."""

    name = "databunker"
    verbose_name = "Databunker"

    def ready(self) -> None:
        from databunker import colours, tracing, ui  # noqa: F401, PLC0415 - they register their system checks
        from databunker.db.connections import keep_connections  # noqa: PLC0415 - needs Django's settings

        keep_connections()
