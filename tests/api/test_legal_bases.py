"""Legal bases and processing activities, through the door."""

from __future__ import annotations

from typing import Any

import pytest

from gdpr.models import ARTICLE_30, ActivityBasis, LegalBasis, LegalBasisText
from tests.api.helpers import assert_refused, contents, told_by
from tests.conftest import Api

FULL = {
    "module": "signup",
    "shortdesc": "Letters",
    "fulldesc": "We send you a letter each month.",
    "basistype": "consent",
    "requiredmsg": "Without it there are no letters.",
    "usercontrol": True,
    "requiredflag": False,
}


def bases(api: Api) -> dict[str, dict[str, Any]]:
    answer = api.get("/v1/lbasis").json()
    assert answer["total"] == len(answer["rows"])
    return {row["brief"]: row for row in answer["rows"]}


def activities(api: Api) -> dict[str, dict[str, Any]]:
    answer = api.get("/v1/pactivity").json()
    assert answer["total"] == len(answer["rows"])
    return {row["activity"]: row for row in answer["rows"]}


def ok(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    assert body["status"] == "ok"
    return body


# --- legal bases -----------------------------------------------------------------------------------------------------


def test_a_legal_basis_is_created_and_listed(api: Api, time_machine: Any) -> None:
    time_machine.move_to(1_900_000_000, tick=False)
    assert api.post("/v1/lbasis/News-Letter", FULL).json() == {"status": "ok"}
    assert bases(api) == {
        "news-letter": {
            **FULL,
            "brief": "news-letter",
            "status": "active",
            "creationtime": 1_900_000_000,
            "textversion": 1,
        }
    }


def test_without_any_word_it_is_a_consent_that_others_control(api: Api) -> None:
    ok(api.post("/v1/lbasis/news", {}))
    row = bases(api)["news"]
    assert (row["basistype"], row["usercontrol"], row["requiredflag"], row["shortdesc"]) == (
        "consent",
        False,
        False,
        "",
    )


def test_only_what_is_given_changes(api: Api) -> None:
    ok(api.post("/v1/lbasis/news", FULL))
    ok(api.post("/v1/lbasis/news", {"module": "app", "usercontrol": False}))
    row = bases(api)["news"]
    assert {name: row[name] for name in FULL} == FULL | {"module": "app", "usercontrol": False}
    assert row["textversion"] == 1


@pytest.mark.parametrize("field", ["shortdesc", "fulldesc", "requiredmsg"])
def test_each_change_of_a_text_is_a_new_version_and_the_old_one_stays(api: Api, field: str) -> None:
    ok(api.post("/v1/lbasis/news", FULL))
    for text in ("new", "new", "newer"):
        ok(api.post("/v1/lbasis/news", {field: text}))
    assert bases(api)["news"]["textversion"] == 3
    kept = LegalBasisText.objects.order_by("version").values_list(field, flat=True)
    assert list(kept) == [FULL[field], "new", "newer"]


def test_it_is_renamed_by_a_brief_in_the_body(api: Api) -> None:
    ok(api.post("/v1/lbasis/news", FULL))
    number = LegalBasis.objects.get().id
    ok(api.post("/v1/lbasis/news", {"brief": "Letters"}))
    assert list(bases(api)) == ["letters"]
    assert LegalBasis.objects.get().id == number
    assert_refused(api.delete("/v1/lbasis/news"), 404, "legal basis not found")


def test_a_name_is_taken_once(api: Api) -> None:
    ok(api.post("/v1/lbasis/news", FULL))
    ok(api.post("/v1/lbasis/offers", {}))
    before = contents()
    assert_refused(api.post("/v1/lbasis/offers", {"brief": "news"}), 409, "another legal basis has this brief")
    assert contents() == before


def test_what_nobody_agreed_to_is_removed(api: Api) -> None:
    ok(api.post("/v1/lbasis/news", FULL))
    ok(api.delete("/v1/lbasis/news"))
    assert bases(api) == {}
    assert not LegalBasisText.objects.exists()
    assert_refused(api.delete("/v1/lbasis/news"), 404)


def test_what_somebody_agreed_to_stays_as_deleted_and_is_revoked(api: Api) -> None:
    ok(api.post("/v1/lbasis/news", FULL))
    ok(api.post("/v1/pactivity/letters", {"legalbasis": "news"}))
    api.create(login="ann")
    ok(api.post("/v1/agreement/news/login/ann", {}))
    ok(api.delete("/v1/lbasis/news"))
    assert bases(api)["news"]["status"] == "deleted"
    assert activities(api)["letters"]["legalbasis"] == ""
    assert ok(api.get("/v1/agreement/news/login/ann"))["data"]["status"] == "revoked"
    assert_refused(api.post("/v1/agreement/news/login/ann", {}), 404, "legal basis not found")
    # Made again it is the same one, and what was revoked stays so until it is given again.
    ok(api.post("/v1/lbasis/news", {}))
    row = bases(api)["news"]
    assert (row["status"], row["shortdesc"], row["textversion"]) == ("active", "Letters", 1)
    assert ok(api.get("/v1/agreement/news/login/ann"))["data"]["status"] == "revoked"


@pytest.mark.parametrize("brief", ["x", "9news", "a_b", "né", "a" * 66, "-a", "a%20b", "a.b"])
def test_a_brief_has_a_grammar(api: Api, brief: str) -> None:
    before = contents()
    for answer in (
        api.post(f"/v1/lbasis/{brief}", FULL),
        api.delete(f"/v1/lbasis/{brief}"),
        api.delete(f"/v1/agreement/{brief}"),
        api.post(f"/v1/agreement/{brief}/email/ann@example.com", {}),
    ):
        assert_refused(answer, 400, "bad brief format")
    assert_refused(api.post(f"/v1/pactivity/{brief}", {}), 400, "bad activity format")
    assert contents() == before


@pytest.mark.parametrize("flag", [None, 2, -1, 0.5, "maybe", [], {}, [True], 10**40, "1" * 5000])
@pytest.mark.parametrize("field", ["usercontrol", "requiredflag"])
def test_flags_are_true_or_false(api: Api, field: str, flag: Any) -> None:
    import json

    before = contents()
    answer = api.post("/v1/lbasis/news", json.dumps({field: flag}))
    assert_refused(answer, 400, f"{field} must be true or false")
    assert contents() == before


@pytest.mark.parametrize(
    ("flag", "means"),
    [(True, True), (1, True), ("yes", True), ("TRUE", True), (False, False), (0, False), ("0", False)],
)
def test_flags_have_several_spellings(api: Api, flag: Any, means: bool) -> None:
    ok(api.post("/v1/lbasis/news", {"usercontrol": flag}))
    assert bases(api)["news"]["usercontrol"] is means


def test_flags_come_in_forms_too(api: Api) -> None:
    body = b"usercontrol=true&shortdesc=Letters&requiredflag=0"
    ok(api.post("/v1/lbasis/news", body, content_type="application/x-www-form-urlencoded"))
    row = bases(api)["news"]
    assert (row["usercontrol"], row["requiredflag"], row["shortdesc"]) == (True, False, "Letters")


@pytest.mark.parametrize(
    "wish",
    [
        {"shortdesc": 5}, {"fulldesc": ["a"]}, {"requiredmsg": {}}, {"module": True}, {"module": "m" * 65},
        {"basistype": "whim"}, {"basistype": 1}, {"brief": 7}, {"brief": "no good"}, {"shortdesc": "a\x00b"},
        {"fulldesc": "x" * 70_000}, [], "text",
    ],
)  # fmt: skip
def test_fields_of_another_type_are_refused(api: Api, wish: Any) -> None:
    import json

    before = contents()
    assert_refused(api.post("/v1/lbasis/news", json.dumps(wish)), 400)
    assert contents() == before


@pytest.mark.parametrize(
    "basistype",
    ["consent", "contract", "legal-requirement", "legitimate-interest", "public-interest", "Vital-Interest"],
)
def test_every_ground_of_article_six_is_known(api: Api, basistype: str) -> None:
    ok(api.post("/v1/lbasis/news", {"basistype": basistype}))
    assert bases(api)["news"]["basistype"] == basistype.lower()


def test_changes_are_told(api: Api) -> None:
    with told_by() as told:
        api.post("/v1/lbasis/news", FULL)
        api.get("/v1/lbasis")
        api.delete("/v1/lbasis/news")
        api.delete("/v1/lbasis/news")
    assert [(event.code, event.outcome) for event in told] == [
        ("lbasis.change", "ok"),
        ("lbasis.list", "ok"),
        ("lbasis.delete", "ok"),
        ("lbasis.delete", "not_found"),
    ]


def test_the_texts_that_people_agreed_to_can_not_be_changed_by_sql(api: Api) -> None:
    ok(api.post("/v1/lbasis/news", FULL))
    api.create(login="ann")
    ok(api.post("/v1/agreement/news/login/ann", {}))
    LegalBasisText.objects.update(fulldesc="We sell your data.")
    for path in ("/v1/lbasis", "/v1/agreement/news/login/ann/history"):
        assert_refused(api.get(path), 500, "internal error")


# --- processing activities -------------------------------------------------------------------------------------------


def test_an_activity_is_created_changed_and_deleted(api: Api) -> None:
    ok(api.post("/v1/lbasis/news", FULL))
    ok(api.post("/v1/pactivity/Letters", {"title": "Monthly letters", "script": "go()", "applicableto": "all"}))
    ok(api.post("/v1/pactivity/letters/news"))
    ok(api.post("/v1/pactivity/letters/news"))
    ok(api.post("/v1/pactivity/letters", {"fulldesc": "By post"}))
    row = activities(api)["letters"]
    assert row["legalbasis"] == "news"
    assert [basis["brief"] for basis in row["briefs"]] == ["news"]
    assert {name: row[name] for name in ("title", "script", "fulldesc", "applicableto")} == {
        "title": "Monthly letters",
        "script": "go()",
        "fulldesc": "By post",
        "applicableto": "all",
    }
    ok(api.delete("/v1/pactivity/letters"))
    assert activities(api) == {}
    assert not ActivityBasis.objects.exists()
    assert_refused(api.delete("/v1/pactivity/letters"), 404, "processing activity not found")


def test_an_activity_without_a_title_has_its_name_for_one(api: Api) -> None:
    ok(api.post("/v1/pactivity/letters", {}))
    assert activities(api)["letters"]["title"] == "letters"


def test_what_article_30_asks_for_is_optional_and_passed_through(api: Api) -> None:
    ok(api.post("/v1/pactivity/letters", {"title": "Letters"}))
    assert {activities(api)["letters"][field] for field in ARTICLE_30} == {""}
    words = {field: f"the {field}\nin two lines" for field in ARTICLE_30}
    ok(api.post("/v1/pactivity/letters", words))
    ok(api.post("/v1/pactivity/letters", {"recipients": "printers"}))
    row = activities(api)["letters"]
    assert {field: row[field] for field in ARTICLE_30} == {**words, "recipients": "printers"}
    assert row["title"] == "Letters"
    assert_refused(api.post("/v1/pactivity/letters", {"purposes": ["letters"]}), 400, "purposes must be text")
    assert api.get("/v1/sys/cookiesettings").json()["scripts"] == []  # nobody else is told


def test_bases_are_linked_in_order_and_unlinked(api: Api) -> None:
    for brief in ("zebra", "apple"):
        ok(api.post(f"/v1/lbasis/{brief}", {}))
    ok(api.post("/v1/pactivity/letters", {}))
    ok(api.post("/v1/pactivity/letters/zebra"))
    ok(api.post("/v1/pactivity/letters/apple"))
    assert activities(api)["letters"]["legalbasis"] == "zebra,apple"
    ok(api.delete("/v1/pactivity/letters/zebra"))
    ok(api.delete("/v1/pactivity/letters/zebra"))
    assert activities(api)["letters"]["legalbasis"] == "apple"
    ok(api.post("/v1/pactivity/letters", {"legalbasis": "zebra, apple,zebra"}))
    assert activities(api)["letters"]["legalbasis"] == "zebra,apple"
    ok(api.post("/v1/pactivity/letters", {"title": "x"}))
    assert activities(api)["letters"]["legalbasis"] == "zebra,apple"
    ok(api.post("/v1/pactivity/letters", {"legalbasis": ""}))
    assert activities(api)["letters"]["legalbasis"] == ""


def test_renames_keep_the_links(api: Api) -> None:
    ok(api.post("/v1/lbasis/news", FULL))
    ok(api.post("/v1/pactivity/letters", {"legalbasis": "news"}))
    ok(api.post("/v1/lbasis/news", {"brief": "paper-news"}))
    ok(api.post("/v1/pactivity/letters", {"activity": "post"}))
    assert {name: row["legalbasis"] for name, row in activities(api).items()} == {"post": "paper-news"}


def test_a_renamed_activity_is_no_sql(api: Api) -> None:
    ok(api.post("/v1/pactivity/letters", {}))
    ok(api.post("/v1/pactivity/others", {}))
    before = contents()
    for name in ("x' OR '1'='1", "letters'; DROP TABLE gdpr_activity; --", 'a"b', "a b"):
        assert_refused(api.post("/v1/pactivity/letters", {"activity": name}), 400, "bad activity format")
    assert_refused(api.post("/v1/pactivity/letters", {"activity": "others"}), 409)
    assert contents() == before


def test_links_to_what_is_not_there_are_refused(api: Api) -> None:
    ok(api.post("/v1/lbasis/news", FULL))
    ok(api.post("/v1/pactivity/letters", {}))
    before = contents()
    assert_refused(api.post("/v1/pactivity/letters/absent"), 404, "legal basis not found")
    assert_refused(api.post("/v1/pactivity/absent/news"), 404, "processing activity not found")
    assert_refused(api.delete("/v1/pactivity/absent/news"), 404, "processing activity not found")
    assert_refused(api.post("/v1/pactivity/letters", {"legalbasis": "absent"}), 404, "legal basis not found")
    assert_refused(api.post("/v1/pactivity/letters", {"legalbasis": ["news"]}), 400, "legalbasis must be text")
    assert contents() == before


# --- the cookie popup ------------------------------------------------------------------------------------------------


def test_a_cookie_popup_learns_what_to_ask_and_what_to_run(api: Api) -> None:
    for brief, module in (
        ("ads", "cookie-popup"),
        ("stats", "cookie-popup"),
        ("news", "signup"),
        ("old", "cookie-popup"),
    ):
        ok(api.post(f"/v1/lbasis/{brief}", {"module": module, "shortdesc": brief}))
    api.create(login="ann")
    ok(api.post("/v1/agreement/old/login/ann", {}))
    ok(api.delete("/v1/lbasis/old"))
    ok(api.post("/v1/pactivity/measure", {"script": "measure()", "legalbasis": "stats,news,ads"}))
    ok(api.post("/v1/pactivity/silent", {"legalbasis": "ads"}))
    ok(api.post("/v1/pactivity/idle", {"script": "idle()", "legalbasis": "news"}))
    answer = ok(Api().get("/v1/sys/cookiesettings"))
    assert set(answer) == {"status", "ui", "rows", "scripts"}
    assert isinstance(answer["ui"], dict)
    assert [row["brief"] for row in answer["rows"]] == ["ads", "stats"]
    assert answer["scripts"] == [{"script": "measure()", "briefs": ["stats", "ads"]}]
