from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "databunker.api"
    label = "api"
    verbose_name = "HTTP API"
