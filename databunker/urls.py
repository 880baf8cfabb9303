"""Where each face of the product is mounted."""

from django.urls import include, path

from databunker.api.v1.system import Status

handler404 = "databunker.api.errors.endpoint_missing"
handler500 = "databunker.api.errors.server_error"

urlpatterns = [
    path("v1/", include("databunker.api.v1.urls")),
    path("status", Status.as_view()),
    path("status/", Status.as_view()),
]
