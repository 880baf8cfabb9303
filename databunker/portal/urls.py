"""The portal's pages. A new one needs a row in tests/pages/test_permission_matrix.py."""

from django.urls import path

from . import data, receipts, sign_in

app_name = "portal"

urlpatterns = [
    path("", sign_in.SignIn.as_view(), name="sign_in"),
    path("code", sign_in.Code.as_view(), name="code"),
    path("sign-out", sign_in.SignOut.as_view(), name="sign_out"),
    path("receipt", receipts.Receipt.as_view(), name="receipt"),
    path("my/data", data.MyData.as_view(), name="data"),
]
