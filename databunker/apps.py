from django.apps import AppConfig


class DatabunkerConfig(AppConfig):
    """The product as a whole: its commands are those that concern more than one app."""

    name = "databunker"
    verbose_name = "Databunker"
