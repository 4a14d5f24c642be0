"""Settings of organisation: what ends the service at start, in one line that quotes no secret."""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey
from pydantic import ValidationError

from services.organisation.settings import Settings
from shared.runtime.settings import describe_faults

KEY = ECKey.generate_key("P-256", auto_kid=True).as_dict(private=True)
KEYS, PRIVATE = json.dumps([KEY]), str(KEY["d"])
REQUIRED = {"kafka": "127.0.0.1:9092", "mongo": "mongodb://127.0.0.1"}


def faults(**changes: Any) -> list[str]:  # noqa: ANN401 - values of settings
    with pytest.raises(ValidationError) as raised:
        Settings.model_validate(REQUIRED | changes)
    return list(describe_faults(raised.value))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"signing_keys": "[1]"},
            "AIGUILLAGE_SIGNING_KEYS: key 1 is no JWK, which is a JSON object",
        ),
        (
            {"signing_keys": json.dumps([{**KEY, "use": "enc"}])},
            "AIGUILLAGE_SIGNING_KEYS: key 1 is not for signatures: its use is sig",
        ),
        (
            {"signing_keys": KEYS},
            "settings: AIGUILLAGE_SIGNING_KEYS is set without AIGUILLAGE_ISSUER_URL",
        ),
        (
            {"smtp_host": "smtp.exemple.fr", "smtp_starttls": False},
            "settings: AIGUILLAGE_SMTP_STARTTLS is false",
        ),
        (
            {"mail_from": "pas une adresse"},
            "AIGUILLAGE_MAIL_FROM: that is no sender: Name <address@domain>, or an address alone",
        ),
        (
            {"mail_from": "A <a@b.fr>\nBcc: c@d.fr"},
            "AIGUILLAGE_MAIL_FROM: that is no sender: Name <address@domain>, or an address alone",
        ),
    ],
)
def test_a_faulty_setting_is_named_in_one_line(changes: dict[str, Any], fault: str) -> None:
    found = faults(**changes)

    assert [each.startswith(fault) for each in found] == [True]
    assert "\n" not in found[0]
    assert PRIVATE not in " ".join(found)


def test_the_settings_show_no_secret_when_they_are_printed() -> None:
    given = {"signing_keys": KEYS, "smtp_password": "mot-de-passe"}
    settings = Settings.model_validate(REQUIRED | given | {"issuer_url": "https://exemple.fr"})

    assert settings.keys.can_sign
    assert PRIVATE not in repr(settings)
    assert "mot-de-passe" not in repr(settings)


def test_the_sender_has_a_name_and_an_address() -> None:
    settings = Settings.model_validate(
        REQUIRED | {"mail_from": "Mairie de Lyon <ne-pas-repondre@exemple.fr>"}
    )

    assert str(settings.sender) == "Mairie de Lyon <ne-pas-repondre@exemple.fr>"
