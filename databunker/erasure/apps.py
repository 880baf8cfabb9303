from django.apps import AppConfig


class ErasureConfig(AppConfig):
    name = "databunker.erasure"
    label = "erasure"
    verbose_name = "Erasure journal"

    def ready(self) -> None:
        from databunker.notify import delivery  # noqa: PLC0415 - has models

        from . import checks, pushing  # noqa: F401, PLC0415 - registers the system checks

        delivery.register(pushing.KIND, pushing.deliver)
