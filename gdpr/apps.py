from django.apps import AppConfig


class GdprConfig(AppConfig):
    name = "gdpr"
    verbose_name = "GDPR workflows"

    def ready(self) -> None:
        from vault import hooks  # noqa: PLC0415 - models are loaded by now

        from . import (  # noqa: PLC0415
            binding,
            checks,  # noqa: F401 - registers the system checks
            expirations,
            rights,
        )
        from .actions import close_requests_of  # noqa: PLC0415

        hooks.before_forgetting += [
            expirations.close,
            binding.forget_agreements,
            close_requests_of,
            rights.forget_rights,
        ]
        hooks.before_identities_change.append(binding.bind_pending_of)
