"""The routes of v1, as docs/api.md lists them. A new route needs a row in the permission matrix of the tests."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from . import (
    agreements,
    audit,
    cookies,
    document,
    exp,
    lbasis,
    login,
    pactivity,
    receipts,
    reports,
    requests,
    rights,
    sessions,
    shares,
    system,
    userapps,
    users,
)


class IdentityConverter(StringConverter):
    """The rest of the path, whatever it holds: an identity may have slashes and line breaks in it."""

    regex = "(?s:.+)"


class WordConverter(StringConverter):
    """What stands between two slashes, even if it is nothing: an empty captcha is a wrong one, not a wrong route."""

    regex = "[^/]*"


register_converter(IdentityConverter, "identity")
register_converter(WordConverter, "word")

urlpatterns = [
    path("user", users.UserCreate.as_view()),
    # So does @databunker/store write it.
    path("user/", users.UserCreate.as_view()),
    path("user/<str:mode>/<identity:identity>/report", reports.Report.as_view()),
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
    path("exp/start/<str:mode>/<identity:identity>", exp.Start.as_view()),
    path("exp/status/<str:mode>/<identity:identity>", exp.Status.as_view()),
    path("exp/cancel/<str:mode>/<identity:identity>", exp.Cancel.as_view()),
    path("exp/retain/<str:exptoken>", exp.Retain.as_view()),
    path("exp/delete/<str:exptoken>", exp.Delete.as_view()),
    path("rights/<str:mode>/<identity:identity>", rights.Rights.as_view()),
    path("restriction/<str:mode>/<identity:identity>", rights.Restriction.as_view()),
    path("objection/<str:mode>/<identity:identity>", rights.Objection.as_view()),
    path("erasure/<str:mode>/<identity:identity>", rights.Erasure.as_view()),
    path("receipt/<str:receipt>", receipts.Receipt.as_view()),
    path("captcha", login.Captcha.as_view()),
    path("captcha/<str:code>", login.CaptchaPicture.as_view()),
    path("prelogin", login.PreloginForm.as_view()),
    path("prelogin/<str:mode>/<identity:identity>/<word:code>/<word:captcha>", login.Prelogin.as_view()),
    path("login", login.LoginForm.as_view()),
    path("login/<str:mode>/<identity:identity>/<word:code>", login.Login.as_view()),
    path("requests", requests.Requests.as_view()),
    path("requests/<str:mode>/<identity:identity>", requests.PersonRequests.as_view()),
    path("request/<str:rtoken>", requests.RequestOne.as_view()),
    path("request/<str:rtoken>/extend", requests.Extension.as_view()),
    path("request/<str:rtoken>/identity", requests.IdentityProof.as_view()),
    path("lbasis", lbasis.Bases.as_view()),
    path("lbasis/<str:brief>", lbasis.BasisOne.as_view()),
    path("agreement/<str:brief>", agreements.Everyones.as_view()),
    path("agreement/<str:brief>/<str:mode>/<identity:identity>/history", agreements.History.as_view()),
    path("agreement/<str:brief>/<str:mode>/<identity:identity>", agreements.AgreementOne.as_view()),
    path("agreements/<str:mode>/<identity:identity>", agreements.PersonAgreements.as_view()),
    path("pactivity", pactivity.Activities.as_view()),
    path("pactivity/<str:activity>", pactivity.ActivityOne.as_view()),
    path("pactivity/<str:activity>/<str:brief>", pactivity.ActivityBasis.as_view()),
    path("sys/cookiesettings", cookies.CookieSettings.as_view()),
    path("audit/list/<str:token>", audit.PersonEvents.as_view()),
    path("audit/admin", audit.AllEvents.as_view()),
    path("audit/get/<str:atoken>", audit.EventOne.as_view()),
    path("audit/head", audit.TreeHead.as_view()),
    path("audit/proof/<str:atoken>", audit.EventProof.as_view()),
    path("audit/key", audit.PublicKey.as_view()),
    path("status", system.Status.as_view()),
    path("status/", system.Status.as_view()),
    path("metrics", system.Metrics.as_view()),
    path("sys/backup", system.Backup.as_view()),
    path("sys/configuration", system.Configuration.as_view()),
    path("sys/uiconfiguration", system.UiConfiguration.as_view()),
    path("openapi.json", document.Document.as_view()),
]
