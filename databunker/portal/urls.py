"""The portal's pages. A new one needs a row in tests/pages/test_permission_matrix.py."""

from django.urls import path

from . import accesses, consents, cookies, data, erasure, receipts, report, requests, rights, sign_in, sign_ins

app_name = "portal"

urlpatterns = [
    path("", sign_in.SignIn.as_view(), name="sign_in"),
    path("code", sign_in.Code.as_view(), name="code"),
    path("sign-out", sign_in.SignOut.as_view(), name="sign_out"),
    path("receipt", receipts.Receipt.as_view(), name="receipt"),
    path("cookies", cookies.Cookies.as_view(), name="cookies"),
    path("cookies.js", cookies.CookiesScript.as_view(), name="cookies_script"),
    path("my/data", data.MyData.as_view(), name="data"),
    path("my/data/edit", data.EditData.as_view(), name="edit"),
    path("my/data/apps/<str:app>/edit", data.EditAppData.as_view(), name="edit_app"),
    path("my/consents", consents.Consents.as_view(), name="consents"),
    path("my/consents/<str:brief>", consents.Consent.as_view(), name="consent"),
    path("my/consents/<str:brief>/accept", consents.Accept.as_view(), name="accept"),
    path("my/consents/<str:brief>/withdraw", consents.Withdraw.as_view(), name="withdraw"),
    path("my/requests", requests.MyRequests.as_view(), name="requests"),
    path("my/requests/<uuid:rtoken>", requests.MyRequest.as_view(), name="request"),
    path("my/requests/<uuid:rtoken>/cancel", requests.CancelRequest.as_view(), name="cancel_request"),
    path("my/report.<slug:form>", report.Report.as_view(), name="report"),
    path("my/accesses", accesses.Accesses.as_view(), name="accesses"),
    path("my/sign-ins", sign_ins.SignIns.as_view(), name="sign_ins"),
    path("my/sign-ins/end", sign_ins.EndSignIn.as_view(), name="end_sign_in"),
    path("my/sessions/end", sign_ins.EndSession.as_view(), name="end_session"),
    path("my/shares", sign_ins.MyShares.as_view(), name="shares"),
    path("my/shares/end", sign_ins.EndShare.as_view(), name="end_share"),
    path("my/rights", rights.Rights.as_view(), name="rights"),
    path("my/rights/restrict", rights.Restrict.as_view(), name="restrict"),
    path("my/rights/lift", rights.Lift.as_view(), name="lift"),
    path("my/rights/object", rights.Object.as_view(), name="object"),
    path("my/rights/withdraw-objection", rights.WithdrawObjection.as_view(), name="withdraw_objection"),
    path("my/rights/withdraw-deletion", rights.WithdrawErasure.as_view(), name="withdraw_erasure"),
    path("my/delete", erasure.DeleteMe.as_view(), name="delete"),
]
