"""The pages under "Access", and those of incidents."""

from django.urls import path

from . import configuration, incidents, jobs, keys, outgoing, tokens

__all__ = ["access_pages"]

access_pages = [
    path("tokens", tokens.Tokens.as_view(), name="tokens"),
    path("tokens/new", tokens.NewToken.as_view(), name="new_token"),
    path("tokens/<int:token>", tokens.Token.as_view(), name="token"),
    path("tokens/<int:token>/revoke", tokens.Revoke.as_view(), name="revoke_token"),
    path("keys", keys.Keys.as_view(), name="keys"),
    path("keys/rotate", keys.Rotate.as_view(), name="rotate_key"),
    path("keys/<int:key>/retire", keys.Retire.as_view(), name="retire_key"),
    path("messages", outgoing.Outgoing.as_view(), name="outgoing"),
    path("messages/retry", outgoing.Retry.as_view(), name="retry_messages"),
    path("messages/drop", outgoing.Drop.as_view(), name="drop_messages"),
    path("jobs", jobs.Jobs.as_view(), name="jobs"),
    path("incidents", incidents.Incidents.as_view(), name="incidents"),
    path("incidents/<int:incident>", incidents.OneIncident.as_view(), name="incident"),
    path("settings", configuration.Settings.as_view(), name="settings"),
]
