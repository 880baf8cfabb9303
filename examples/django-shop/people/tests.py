"""Against a vault that runs: DATABUNKER_URL and DATABUNKER_TOKEN say which. Each test has people of its own."""

from __future__ import annotations

import uuid
from unittest import mock

from django.conf import settings
from django.db import DatabaseError, connection
from django.test import TestCase, override_settings

from .models import Person, PersonManager
from .vault import vault
from .vault_client import NotFound

PASSWORD = "a password for tests"


class ShopTest(TestCase):
    def setUp(self) -> None:
        self.given = uuid.uuid4().hex[:10]
        self.email = f"{self.given}@example.com"
        self.form = {"email": self.email, "name": f"Nora {self.given}", "phone": "", "password": PASSWORD}

    def sign_up(self) -> Person:
        response = self.client.post("/sign-up", self.form)
        self.assertRedirects(response, "/")
        return Person.objects.get()

    def forgotten(self) -> bool:
        try:
            vault().find("email", self.email)
        except NotFound:
            return True
        return False

    def test_a_person_who_signs_up_is_in_the_vault(self) -> None:
        person = self.sign_up()
        self.assertEqual(vault().get(str(person.token)), {"email": self.email, "name": self.form["name"]})
        self.assertContains(self.client.get("/"), self.form["name"])

    def test_no_table_of_the_shop_says_who_it_is(self) -> None:
        person = self.sign_up()
        self.client.post("/", self.form | {"phone": "+47 22 00 00 02"})
        with connection.cursor() as cursor:
            tables = connection.introspection.table_names(cursor)
            text = ""
            for table in tables:
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
                text += repr(cursor.fetchall())
        self.assertIn(person.token.hex, text)
        self.assertNotIn(self.given, text)
        self.assertNotIn("22 00 00 02", text)
        self.assertNotIn(self.given, repr(dict(self.client.session)))

    def test_people_sign_in_by_what_the_vault_knows(self) -> None:
        self.sign_up()
        self.client.post("/sign-out")
        self.assertRedirects(self.client.get("/"), "/sign-in?next=/")
        response = self.client.post("/sign-in", {"email": self.email.upper(), "password": PASSWORD})
        self.assertRedirects(response, "/")

    def test_a_wrong_password_and_an_unknown_address_are_answered_alike(self) -> None:
        self.sign_up()
        self.client.post("/sign-out")
        wrong = self.client.post("/sign-in", {"email": self.email, "password": "another password"})
        unknown = self.client.post("/sign-in", {"email": f"x{self.email}", "password": PASSWORD})
        errors = [response.context["form"].non_field_errors() for response in (wrong, unknown)]
        self.assertEqual(errors[0], ["Nobody has this e-mail and password."])
        self.assertEqual(errors[0], errors[1])

    def test_an_address_is_taken_once(self) -> None:
        self.sign_up()
        self.client.post("/sign-out")
        self.assertContains(self.client.post("/sign-up", self.form), "has signed up with this")
        self.assertEqual(Person.objects.count(), 1)

    def test_where_the_shop_fails_the_vault_forgets(self) -> None:
        with mock.patch.object(PersonManager, "create_user", side_effect=DatabaseError):
            self.assertRaises(DatabaseError, self.client.post, "/sign-up", self.form)
        self.assertTrue(self.forgotten())

    def test_a_change_reaches_the_vault_and_an_emptied_field_is_gone(self) -> None:
        person = self.sign_up()
        changed = self.form | {"name": "Nora Berg", "phone": "+47 22 00 00 02"}
        with self.subTest("changed"):
            self.assertRedirects(self.client.post("/", changed), "/")
            profile = vault().get(str(person.token))
            self.assertEqual((profile["name"], profile["phone"]), ("Nora Berg", "+47 22 00 00 02"))
        with self.subTest("emptied"):
            self.client.post("/", changed | {"phone": ""})
            self.assertNotIn("phone", vault().get(str(person.token)))

    def test_deleting_an_account_forgets_the_person(self) -> None:
        person = self.sign_up()
        self.assertContains(self.client.post("/delete", {"password": "not this one"}), "not your password")
        self.assertFalse(self.forgotten())
        self.assertContains(self.client.post("/delete", {"password": PASSWORD}), "You are forgotten")
        self.assertTrue(self.forgotten())
        self.assertEqual(vault().get(str(person.token)), {})
        self.assertFalse(Person.objects.exists())
        self.assertRedirects(self.client.get("/"), "/sign-in?next=/")

    def test_who_was_forgotten_in_the_vault_is_gone_here_too(self) -> None:
        vault().forget(str(self.sign_up().token))
        self.assertContains(self.client.get("/"), "You are forgotten")
        self.assertFalse(Person.objects.exists())

    def test_without_the_vault_pages_say_so(self) -> None:
        self.sign_up()
        with override_settings(DATABUNKER_URL="http://127.0.0.1:9"):
            self.assertContains(self.client.get("/"), "Not now", status_code=503)
            self.assertContains(self.client.get("/sign-up"), "Sign up")

    def test_the_access_token_is_narrow(self) -> None:
        """An application that can list everybody is one whose theft concerns everybody."""
        self.assertNotEqual(settings.DATABUNKER_TOKEN, "")
        self.sign_up()
        with self.assertRaisesMessage(Exception, "Access denied"):
            vault().call("POST", "/v1/users/unlock", {})
