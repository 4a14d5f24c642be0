"""Who sends and takes what, as the registry says it and as the services do it."""

from collections.abc import Mapping

import pytest
from fastapi import FastAPI

from docs.generators.openapi import build_services
from shared.contracts.topics import TOPICS
from shared.runtime.service import Runtime


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


def test_every_topic_and_every_type_has_one_name() -> None:
    names = [topic.name for topic in TOPICS]
    types = {payload: payload.event_type for topic in TOPICS for payload in topic.payloads}

    assert len(set(names)) == len(names)
    assert len(set(types.values())) == len(types)
