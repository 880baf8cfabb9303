"""Where each face of the product is mounted."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from databunker.api import errors as api
from databunker.api.docs import DocsAsset, DocsPage
from databunker.api.health import Live, Ready
from databunker.api.v1.system import Status
from databunker.pages import errors as pages

_API = "/v1/"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Programs get JSON, people a page."""
    return pages.not_found(request, exception) if _wants_page(request) else api.endpoint_missing(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    return pages.server_error(request) if _wants_page(request) else api.server_error(request)


def _wants_page(request: HttpRequest) -> bool:
    return not request.path_info.startswith(_API) and "text/html" in request.META.get("HTTP_ACCEPT", "").lower()


handler400 = "databunker.pages.errors.bad_request"
handler404 = "databunker.urls.not_found"
handler500 = "databunker.urls.server_error"

urlpatterns = [
    path("v1/", include("databunker.api.v1.urls")),
    path("status", Status.as_view()),
    path("status/", Status.as_view()),
    path("livez", Live.as_view()),
    path("readyz", Ready.as_view()),
    path("docs", DocsPage.as_view()),
    path("docs/<str:version>/<str:name>", DocsAsset.as_view()),
    path("console/", include("databunker.console.urls")),
    path("", include("databunker.pages.urls")),
    path("", include("databunker.portal.urls")),
]
