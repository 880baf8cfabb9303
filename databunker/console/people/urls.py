"""The pages about people. A new one needs a row in tests/pages/test_permission_matrix.py."""

from django.urls import path

from . import browse, edit, ending, erase, parts, person, rights, search

__all__ = ["people_pages"]

people_pages = [
    path("people", search.People.as_view(), name="people"),
    path("people/all", browse.Everybody.as_view(), name="everybody"),
    path("people/all/unlock", browse.UnlockEverybody.as_view(), name="unlock_everybody"),
    path("people/ending", ending.EndingPeople.as_view(), name="ending_people"),
    path("people/<uuid:person>", person.Person.as_view(), name="person"),
    path("people/<uuid:person>/reveal", person.RevealPerson.as_view(), name="reveal_person"),
    path("people/<uuid:person>/report", person.Report.as_view(), name="report"),
    path("people/<uuid:person>/data", parts.PersonData.as_view(), name="person_data"),
    path("people/<uuid:person>/data/reveal", parts.RevealApp.as_view(), name="reveal_app"),
    path("people/<uuid:person>/agreements", parts.PersonAgreements.as_view(), name="person_agreements"),
    path("people/<uuid:person>/requests", parts.PersonRequests.as_view(), name="person_requests"),
    path("people/<uuid:person>/trail", parts.PersonTrail.as_view(), name="person_trail"),
    path("people/<uuid:person>/rights", rights.PersonRights.as_view(), name="person_rights"),
    path("people/<uuid:person>/edit", edit.EditPerson.as_view(), name="edit_person"),
    path("people/<uuid:person>/edit/preview", edit.PreviewEdit.as_view(), name="preview_edit"),
    path("people/<uuid:person>/edit/save", edit.SaveEdit.as_view(), name="save_edit"),
    path("people/<uuid:person>/restrict", rights.RestrictPerson.as_view(), name="restrict_person"),
    path("people/<uuid:person>/lift", rights.LiftRestriction.as_view(), name="lift_restriction"),
    path("people/<uuid:person>/object", rights.ObjectForPerson.as_view(), name="object_for_person"),
    path("people/<uuid:person>/object/withdraw", rights.WithdrawObjection.as_view(), name="withdraw_objection"),
    path("people/<uuid:person>/expire", rights.StartExpiration.as_view(), name="start_expiration"),
    path("people/<uuid:person>/expire/cancel", rights.CancelExpiration.as_view(), name="cancel_expiration"),
    path("people/<uuid:person>/erase", erase.Erase.as_view(), name="erase_person"),
    path("people/<uuid:person>/keep", erase.KeepPerson.as_view(), name="keep_person"),
]
