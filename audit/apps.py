from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Audit trail"

    def ready(self) -> None:
        from databunker.notify import delivery  # noqa: PLC0415 - has models

        from . import checks, witness  # noqa: F401, PLC0415 - registers the system checks

        delivery.register(witness.KIND, witness.deliver)
