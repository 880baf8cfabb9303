"""Create, find, change, consent, audit, forget: DATABUNKER_URL and DATABUNKER_TOKEN say where and as whom."""

import os
import uuid

from vault_client import NotFound, Taken, Vault


def main() -> None:
    vault = Vault(os.environ["DATABUNKER_URL"], os.environ["DATABUNKER_TOKEN"], purpose="walkthrough")
    email = f"nora-{uuid.uuid4().hex[:8]}@example.com"

    token = vault.create({"email": email, "name": "Nora", "city": "Oslo"})
    print("created   ", token)

    try:
        vault.create({"email": email.upper()})
    except Taken as refusal:
        print("refused   ", refusal)

    found, profile = vault.find("email", email)
    assert found == token
    print("found     ", profile["name"], "in", profile["city"])

    vault.change(token, {"city": "Bergen", "shoe_size": 39})
    vault.change(token, {"shoe_size": None})
    assert vault.get(token) == {"email": email, "name": "Nora", "city": "Bergen"}
    print("changed   ", "now in Bergen")

    # What people may be asked to agree to; made once, by whoever answers for it.
    newsletter = {"shortdesc": "News by mail", "basistype": "consent", "usercontrol": True}
    vault.call("POST", "/v1/lbasis/newsletter", newsletter)
    vault.agree("newsletter", token, how="signup-form")
    assert vault.agrees("newsletter", token)
    vault.withdraw("newsletter", token)
    assert not vault.agrees("newsletter", token)
    print("consented ", "and withdrew")

    for event in vault.events(token, limit=3):
        print("event     ", event["who"], event["title"], event["status"])

    print("forgotten ", "receipt", vault.forget(token))
    try:
        vault.find("email", email)
    except NotFound as refusal:
        print("gone      ", refusal)


if __name__ == "__main__":
    main()
