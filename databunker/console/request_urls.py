"""The pages about requests. A new one needs a row in tests/pages/test_permission_matrix.py."""

from django.urls import path

from . import cases, evidence, requests, together

__all__ = ["request_pages"]

request_pages = [
    path("requests", requests.Requests.as_view(), name="requests"),
    path("requests.csv", requests.RequestsAsCsv.as_view(), name="requests_csv"),
    path("requests/find", requests.FindRequests.as_view(), name="find_requests"),
    path("requests/together", together.ApprovedTogether.as_view(), name="approved_together"),
    path("requests/together/<slug:kind>", together.Together.as_view(), name="together"),
    path("requests/<uuid:rtoken>", cases.OneRequest.as_view(), name="request"),
    path("requests/<uuid:rtoken>/assign", cases.Assign.as_view(), name="assign"),
    path("requests/<uuid:rtoken>/comment", cases.Comment.as_view(), name="comment"),
    path("requests/<uuid:rtoken>/evidence", evidence.EvidencePack.as_view(), name="evidence"),
    path("requests/<uuid:rtoken>/<slug:step>", cases.Decide.as_view(), name="decide"),
]
