"""The console's pages. A new one needs a row in tests/pages/test_permission_matrix.py."""

from django.urls import path

from . import (
    accounts,
    activities,
    audit,
    dashboard,
    legal_bases,
    oidc,
    own_account,
    sign_in,
)
from .access_urls import access_pages
from .people.urls import people_pages
from .request_urls import request_pages

app_name = "console"

urlpatterns = [
    path("", dashboard.Dashboard.as_view(), name="dashboard"),
    *request_pages,
    *people_pages,
    path("audit", audit.Events.as_view(), name="audit"),
    path("audit.csv", audit.EventsAsCsv.as_view(), name="audit_csv"),
    path("audit.jsonl", audit.EventsAsJsonLines.as_view(), name="audit_json_lines"),
    path("audit/find", audit.FindEvents.as_view(), name="find_events"),
    path("audit/<uuid:event>", audit.OneEvent.as_view(), name="event"),
    path("audit/<uuid:event>/proof.json", audit.ProofOfEvent.as_view(), name="proof_of_event"),
    path("sign-in", sign_in.SignIn.as_view(), name="sign_in"),
    path("sign-in/code", sign_in.SecondFactor.as_view(), name="sign_in_code"),
    path("sign-in/root", sign_in.BreakGlass.as_view(), name="break_glass"),
    path("oidc/start", oidc.Start.as_view(), name="oidc_start"),
    path("oidc/link", oidc.Link.as_view(), name="oidc_link"),
    path("oidc/confirm", oidc.ConfirmThere.as_view(), name="oidc_confirm"),
    path("oidc/callback", oidc.Callback.as_view(), name="oidc_callback"),
    path("sign-out", sign_in.SignOut.as_view(), name="sign_out"),
    path("signed-out", sign_in.SignedOut.as_view(), name="signed_out"),
    path("confirm", sign_in.Confirm.as_view(), name="confirm"),
    path("me", own_account.OwnAccount.as_view(), name="own_account"),
    path("me/password", own_account.Password.as_view(), name="password"),
    path("me/second-factor", own_account.SetSecondFactor.as_view(), name="second_factor"),
    path("me/recovery-codes", own_account.RecoveryCodes.as_view(), name="recovery_codes"),
    path("me/sessions/<str:session>/end", own_account.EndSession.as_view(), name="end_session"),
    path("bases", legal_bases.LegalBases.as_view(), name="legal_bases"),
    path("bases/new", legal_bases.NewBasis.as_view(), name="new_basis"),
    path("bases/<int:basis>", legal_bases.LegalBasis.as_view(), name="legal_basis"),
    path("bases/<int:basis>/edit", legal_bases.EditBasis.as_view(), name="edit_basis"),
    path("bases/<int:basis>/delete", legal_bases.DeleteBasis.as_view(), name="delete_basis"),
    path("bases/<int:basis>/revoke", legal_bases.RevokeAgreements.as_view(), name="revoke_agreements"),
    path("activities", activities.Activities.as_view(), name="activities"),
    path("activities.csv", activities.ActivitiesAsCsv.as_view(), name="activities_csv"),
    path("activities.pdf", activities.ActivitiesAsPdf.as_view(), name="activities_pdf"),
    path("activities/new", activities.NewActivity.as_view(), name="new_activity"),
    path("activities/<int:activity>", activities.Activity.as_view(), name="activity"),
    path("activities/<int:activity>/edit", activities.EditActivity.as_view(), name="edit_activity"),
    path("activities/<int:activity>/delete", activities.DeleteActivity.as_view(), name="delete_activity"),
    path("activities/<int:activity>/link", activities.Link.as_view(), name="link_basis"),
    path("activities/<int:activity>/unlink", activities.Unlink.as_view(), name="unlink_basis"),
    path("accounts", accounts.Accounts.as_view(), name="accounts"),
    path("accounts/new", accounts.NewAccount.as_view(), name="new_account"),
    path("accounts/<int:account>", accounts.Account.as_view(), name="account"),
    path("accounts/<int:account>/role", accounts.SetRole.as_view(), name="set_role"),
    path("accounts/<int:account>/disable", accounts.Disable.as_view(), name="disable_account"),
    path("accounts/<int:account>/enable", accounts.Enable.as_view(), name="enable_account"),
    path("accounts/<int:account>/password", accounts.ResetPassword.as_view(), name="reset_password"),
    path("accounts/<int:account>/second-factor", accounts.ResetFactor.as_view(), name="reset_factor"),
    *access_pages,
]
