"""The routes of v1, as docs/api.md lists them. A new route needs a row in the permission matrix of the tests."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from . import audit, sessions, shares, system, userapps, users


class IdentityConverter(StringConverter):
    """The rest of the path, whatever it holds: an identity may have slashes and line breaks in it."""

    regex = "(?s:.+)"


register_converter(IdentityConverter, "identity")

urlpatterns = [
    path("user", users.UserCreate.as_view()),
    path("user/<str:mode>/<identity:identity>", users.User.as_view()),
    path("users", users.Users.as_view()),
    path("users/unlock", users.Unlock.as_view()),
    path("users/bulk", users.Bulk.as_view()),
    path("userapps", userapps.AllApps.as_view()),
    # An application's name has no slash: what stands behind the last one is it.
    path("userapp/<str:mode>/<identity:identity>/<str:app>", userapps.AppData.as_view()),
    path("userapp/<str:mode>/<identity:identity>", userapps.PersonApps.as_view()),
    path("session/<str:session>", sessions.SessionOne.as_view()),
    path("sessions/<str:mode>/<identity:identity>", sessions.PersonSessions.as_view()),
    path("sharedrecord/<str:record>", shares.ShareOne.as_view()),
    path("sharedrecord/<str:mode>/<identity:identity>", shares.PersonShares.as_view()),
    path("get/<str:record>", shares.SharedData.as_view()),
    path("audit/list/<str:token>", audit.PersonEvents.as_view()),
    path("audit/admin", audit.AllEvents.as_view()),
    path("audit/get/<str:atoken>", audit.EventOne.as_view()),
    path("status", system.Status.as_view()),
    path("status/", system.Status.as_view()),
    path("metrics", system.Metrics.as_view()),
]
