from django.apps import AppConfig


class WatchConfig(AppConfig):
    name = "databunker.watch"
    label = "watch"
    verbose_name = "Watch"
