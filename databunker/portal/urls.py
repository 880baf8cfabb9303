"""The portal's pages. A new one needs a row in tests/pages/test_permission_matrix.py."""

from django.urls import path

from . import consents, data, receipts, requests, sign_in

app_name = "portal"

urlpatterns = [
    path("", sign_in.SignIn.as_view(), name="sign_in"),
    path("code", sign_in.Code.as_view(), name="code"),
    path("sign-out", sign_in.SignOut.as_view(), name="sign_out"),
    path("receipt", receipts.Receipt.as_view(), name="receipt"),
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
]
