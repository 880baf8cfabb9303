"""The yardstick: one empty Django view, in gunicorn's own thread worker with 2 x 8 threads on two cores.

    DJANGO_SETTINGS_MODULE=benchmarks.empty_settings BUNKER_PORT=3001 \
        gunicorn -c deploy/gunicorn.conf.py --worker-class gthread --threads 8 databunker.wsgi:application

(in the environment of a vault). Every path answers the same few bytes of JSON. No middleware, no database, no
logging: nothing but Django's request, URL resolver and response, so it shows what the server and the framework
cost before any work is done.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import re_path

__all__ = ["empty", "urlpatterns"]


def empty(request: HttpRequest) -> HttpResponse:
    """The least that a JSON route can do."""
    return HttpResponse(b'{"status":"ok"}', content_type="application/json")


urlpatterns = [re_path("", empty)]
