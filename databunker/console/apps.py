from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "databunker.console"
    label = "console"
    verbose_name = "Console"
