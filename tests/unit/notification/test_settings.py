"""Settings of notification: where the links of its mails may lead."""

import pytest
from pydantic import ValidationError

from services.notification.settings import Settings
from shared.runtime.settings import describe_faults

REQUIRED = {"kafka": "127.0.0.1:9092", "mongo": "mongodb://127.0.0.1"}


def test_it_starts_without_a_mail_server() -> None:
    settings = Settings.model_validate(REQUIRED)

    assert settings.public_origin == "http://127.0.0.1:8000"


def test_links_lead_to_an_https_origin() -> None:
    given = REQUIRED | {"public_origin": "https://travaux.exemple.fr"}

    assert Settings.model_validate(given).public_origin == "https://travaux.exemple.fr"


def test_an_origin_in_clear_ends_the_service_at_its_start() -> None:
    with pytest.raises(ValidationError) as raised:
        Settings.model_validate(REQUIRED | {"public_origin": "http://travaux.exemple.fr"})

    (fault,) = describe_faults(raised.value)
    assert fault == (
        "AIGUILLAGE_PUBLIC_ORIGIN: http://travaux.exemple.fr is no https origin: readers "
        "unsubscribe by links of it"
    )
