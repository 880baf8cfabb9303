from django.apps import AppConfig


class PagesConfig(AppConfig):
    """What console and portal have in common."""

    name = "databunker.pages"
    label = "pages"
    verbose_name = "Pages"
