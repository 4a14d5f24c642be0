"""Who sends and takes what, as the registry says it and as the services do it."""

from collections.abc import Mapping

import pytest
from fastapi import FastAPI

from docs.generators.openapi import build_services
from shared.contracts.topics import TOPICS
from shared.runtime.messaging.rebuild import NoReadModelError
from shared.runtime.service import Runtime
from tests.kit.deployed import ROOT

REBUILT = {
    "deposit": "Only dossiers, mandates, principals, sheets, structures can be rebuilt",
    "notification": "Only principals, structures can be rebuilt",
    "organisation": "Only principals can be rebuilt",
    "portal": "Only dossiers, marks, pieces, principals, structures can be rebuilt",
    "routing": "Only mandates, principals, structures can be rebuilt",
    "support": "Only principals, structures can be rebuilt",
}
OF_RECORD = {
    "deposit": ["files", "fs.chunks", "pieces", "ranks"],
    "notification": ["deliveries", "feeds", "statuses", "subscriptions"],
    "organisation": [
        "accounts",
        "activations",
        "audit",
        "files",
        "habilitation_requests",
        "invitations",
        "machines",
        "rosters",
        "structure_requests",
        "structures",
    ],
    "routing": ["audit", "dossiers"],
    "support": ["chats", "tickets"],
}
OF_EACH = ["inbox", "jobs", "outbox", "streams", ""]
JOBS = {
    "deposit": {"files"},
    "notification": {"expiry", "mail", "pushes", "pushes.find", "replays"},
    "organisation": {
        "files",
        "mail",
        "reminders",
        "reminders.find",
        "secrets",
        "secrets.find",
    },
    "routing": {
        "delays",
        "delays.find",
        "held-dossiers",
        "held-dossiers.find",
        "reminders",
        "reminders.find",
    },
    "support": {"files", "closing", "closing.find", "chat-limits", "chat-limits.find"},
}


@pytest.fixture(scope="module")
def services() -> Mapping[str, tuple[Runtime, FastAPI]]:
    return build_services()


def test_every_topic_has_an_owner_that_exists_and_a_consumer(
    services: Mapping[str, tuple[Runtime, FastAPI]],
) -> None:
    assert {topic.owner for topic in TOPICS} <= services.keys()
    assert all(topic.consumers for topic in TOPICS)


def test_every_service_takes_the_topics_that_the_registry_says_and_no_other(
    services: Mapping[str, tuple[Runtime, FastAPI]],
) -> None:
    said = {name: {topic.name for topic in TOPICS if name in topic.consumers} for name in services}
    taken = {
        name: {topic.name for topic in runtime.subscriptions}
        for name, (runtime, _) in services.items()
    }

    assert taken == said


def test_replicas_share_these_jobs_and_the_runbook_names_them(
    services: Mapping[str, tuple[Runtime, FastAPI]],
) -> None:
    runbook = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")

    kinds = {name: runtime.job_kinds for name, (runtime, _) in services.items()}
    assert {name: found for name, found in kinds.items() if found} == JOBS
    named = {kind.removesuffix(".find") for found in JOBS.values() for kind in found}
    assert {kind for kind in named if f"`{kind}`" not in runbook} == set()


@pytest.mark.parametrize("service", REBUILT)
async def test_what_is_of_record_is_never_rebuilt_and_the_refusal_says_what_can_be(
    services: Mapping[str, tuple[Runtime, FastAPI]], service: str
) -> None:
    runtime, _ = services[service]

    assert services.keys() == REBUILT.keys()
    for collection in [*OF_RECORD.get(service, ()), *OF_EACH]:
        with pytest.raises(NoReadModelError, match=REBUILT[service]):
            await runtime.rebuild(["structures", collection], print, remove_untold=False)


def test_every_topic_and_every_type_has_one_name() -> None:
    names = [topic.name for topic in TOPICS]
    types = {payload: payload.event_type for topic in TOPICS for payload in topic.payloads}

    assert len(set(names)) == len(names)
    assert len(set(types.values())) == len(types)
