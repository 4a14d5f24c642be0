"""A service that stops ends its work in flight before those who keep it kill it."""

from pathlib import Path

import yaml

from deploy.local.processes import GRACE_S
from shared.runtime.jobs import worker
from shared.runtime.messaging import broker, outbox
from shared.runtime.tracing import exporter
from shared.runtime.web import server

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_whoever_keeps_a_service_gives_it_the_same_grace() -> None:
    compose = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    graces = {
        each["stop_grace_period"]
        for each in compose["services"].values()
        if "stop_grace_period" in each
    }
    manifest = yaml.safe_load((DEPLOY / "k8s" / "service" / "stateful-set.yaml").read_text())

    assert graces == {f"{GRACE_S}s"}
    assert manifest["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == GRACE_S


def test_work_in_flight_ends_within_the_grace() -> None:
    # A broker and a relay that are stuck take twice and thrice their grace.
    longest = (
        server.STOP_S + 2 * broker.STOP_S + 3 * outbox.STOP_S + worker.STOP_S + exporter.STOP_S
    )

    assert longest < GRACE_S
