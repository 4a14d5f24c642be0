"""What goes to a cluster has the right shape, refers to what exists, and suits our services."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import render
from tests.kit.deployed import Yaml, find_program, load_all
from tests.kit.manifests import find_faults, find_unresolved

OBJECTS = load_all(render.RENDERED)
NO_KUSTOMIZE = find_program("kustomize") is None
NEEDS_KUSTOMIZE = pytest.mark.skipif(NO_KUSTOMIZE, reason="no kustomize here (a Go program)")


def _one(objects: list[Yaml], kind: str, name: str) -> Yaml:
    (found,) = (o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name)
    return found


def _pod(objects: list[Yaml], name: str = "aiguillage-routing") -> Yaml:
    return _one(objects, "StatefulSet", name)["spec"]["template"]["spec"]


def _container(objects: list[Yaml], name: str = "aiguillage-routing") -> Yaml:
    return _pod(objects, name)["containers"][0]


def _variable(name: str, value: str) -> Callable[[list[Yaml]], None]:
    return lambda objects: _container(objects)["env"].append({"name": name, "value": value})


def _scaled(objects: list[Yaml]) -> Yaml:
    return _one(objects, "ScaledObject", "aiguillage-routing")["spec"]


def _public(objects: list[Yaml]) -> list[Yaml]:
    (rule,) = _one(objects, "Ingress", "aiguillage")["spec"]["rules"]
    paths: list[Yaml] = rule["http"]["paths"]
    return paths


def _policy(objects: list[Yaml]) -> Yaml:
    return _one(objects, "NetworkPolicy", "aiguillage-platform")["spec"]


def _egress(objects: list[Yaml], name: str) -> Yaml:
    (rule,) = _one(objects, "NetworkPolicy", name)["spec"]["egress"]
    return rule


def _config(objects: list[Yaml]) -> Yaml:
    return next(each for each in objects if each["kind"] == "ConfigMap")["data"]


PLANTED: dict[str, tuple[Callable[[list[Yaml]], object], str]] = {
    "a wrong field": (lambda o: _pod(o).update(securityContxt={}), "securityContxt"),
    "a wrong type": (lambda o: _container(o)["ports"][0].update(containerPort="http"), "'http'"),
    "a kind that was withdrawn": (
        lambda o: _one(o, "PodDisruptionBudget", "aiguillage-portal").update(
            apiVersion="policy/v1beta1"
        ),
        "has no policy/v1beta1",
    ),
    "a wrong field of KEDA": (lambda o: _scaled(o).update(maxReplicas=3), "maxReplicas"),
    "a wrong type of the operator": (
        lambda o: _one(o, "ServiceMonitor", "aiguillage")["spec"].update(endpoints="http"),
        "$.spec.endpoints",
    ),
    "a service left out": (
        lambda o: o.remove(_one(o, "StatefulSet", "aiguillage-portal")),
        "StatefulSet: ['aiguillage-portal']",
    ),
    "a secret in the file": (
        lambda o: o.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}),
        "Secret x has no place here",
    ),
    "a root that is written": (
        lambda o: _container(o)["securityContext"].pop("readOnlyRootFilesystem"),
        "aiguillage-routing lacks a root that is read-only",
    ),
    "root": (lambda o: _pod(o)["securityContext"].update(runAsUser=0), "not root"),
    "no limit": (lambda o: _container(o)["resources"].pop("limits"), "lacks a memory limit"),
    "no version": (lambda o: _container(o).update(image="aiguillage/routing"), "lacks a version"),
    "a probe of nothing": (
        lambda o: _container(o)["readinessProbe"]["httpGet"].update(path="/ready"),
        "readinessProbe does not ask /health/ready",
    ),
    "a probe of no port": (
        lambda o: _container(o)["livenessProbe"]["httpGet"].update(port="web"),
        "livenessProbe asks no port",
    ),
    "no such map": (
        lambda o: _container(o)["envFrom"][0]["configMapRef"].update(name="other"),
        "no ConfigMap other",
    ),
    "no such secret": (
        lambda o: _container(o)["env"][0]["valueFrom"]["secretKeyRef"].update(name="x"),
        "no secret x is announced",
    ),
    "the key of another": (
        lambda o: _container(o)["env"][0]["valueFrom"]["secretKeyRef"].update(key="deposit"),
        "reads the key of deposit",
    ),
    "a volume of nothing": (lambda o: _pod(o).update(volumes=[]), "volumes ['tmp']"),
    "a service of no port": (
        lambda o: _one(o, "Service", "aiguillage-routing")["spec"]["ports"][0].update(
            targetPort="web"
        ),
        "no container has the port web",
    ),
    "a selector of others": (
        lambda o: _one(o, "Service", "aiguillage-routing")["spec"].update(
            selector={"app.kubernetes.io/name": "deposit"}
        ),
        "Service aiguillage-routing selects ['aiguillage-deposit']",
    ),
    "a budget of nothing": (
        lambda o: _one(o, "PodDisruptionBudget", "aiguillage-routing")["spec"].pop("selector"),
        "PodDisruptionBudget aiguillage-routing selects",
    ),
    "a policy of nobody": (
        lambda o: _policy(o)["podSelector"]["matchLabels"].update({"app.kubernetes.io/name": "x"}),
        "selects no pod",
    ),
    "no policy that refuses": (
        lambda o: o.remove(_one(o, "NetworkPolicy", "aiguillage-nothing")),
        "no NetworkPolicy refuses",
    ),
    "a service that is not let in": (
        lambda o: o.remove(_one(o, "NetworkPolicy", "aiguillage-asked-by-support")),
        "aiguillage-support is not let in to aiguillage-portal",
    ),
    "a service that is let in anywhere": (
        lambda o: _one(o, "NetworkPolicy", "aiguillage-asked-by-portal")["spec"].update(
            podSelector={}
        ),
        "aiguillage-portal is let in to aiguillage-support",
    ),
    "a way out to anybody": (
        lambda o: _egress(o, "aiguillage-to-store").pop("to"),
        "NetworkPolicy aiguillage-to-store: egress to anybody",
    ),
    "a way out to any namespace": (
        lambda o: _egress(o, "aiguillage-to-broker").update(to=[{"namespaceSelector": {}}]),
        "NetworkPolicy aiguillage-to-broker: egress to anybody",
    ),
    "a way out to every address": (
        lambda o: _egress(o, "aiguillage-to-store")["to"].append({"ipBlock": {"cidr": "::/0"}}),
        "NetworkPolicy aiguillage-to-store: egress to anybody",
    ),
    "a way out by every port": (
        lambda o: _egress(o, "aiguillage-to-store").pop("ports"),
        "NetworkPolicy aiguillage-to-store: egress by any port",
    ),
    "a way in from anybody": (
        lambda o: _policy(o)["ingress"][0].pop("from"),
        "NetworkPolicy aiguillage-platform: ingress from anybody",
    ),
    "no way out to the broker": (
        lambda o: _config(o).update(AIGUILLAGE_KAFKA="kafka-0.kafka:9092,kafka-1.kafka:9093"),
        "lets out to the port 9093",
    ),
    "no way out to the store": (
        lambda o: o.remove(_one(o, "NetworkPolicy", "aiguillage-to-store")),
        "lets out to the port 27017",
    ),
    "no public address": (
        lambda o: o.remove(_one(o, "Ingress", "aiguillage")),
        "0 Ingresses, and not one public address",
    ),
    "a service without a public path": (lambda o: _public(o).pop(), "no public path /support/v1"),
    "a public path for operators": (
        lambda o: _public(o).append({**_public(o)[0], "path": "/metrics"}),
        "public path /metrics of nobody",
    ),
    "more than the public prefix of a service": (
        lambda o: _public(o)[0].update(path="/organisation"),
        "public path /organisation of nobody",
    ),
    "the public path of another": (
        lambda o: _public(o)[0].update(path="/routing/v1"),
        "public path /routing/v1 asks aiguillage-organisation",
    ),
    "a public path that is exact": (
        lambda o: _public(o)[0].update(pathType="Exact"),
        "public path /organisation/v1 is not a prefix",
    ),
    "a service not told whom to ask": (
        lambda o: _container(o, "aiguillage-support")["env"].pop(0),
        "aiguillage-support is given {} instead of",
    ),
    "a setting of nobody": (_variable("AIGUILLAGE_KAFAK", "x"), "it reads no AIGUILLAGE_KAFAK"),
    "a setting of no sense": (_variable("AIGUILLAGE_MAX_BATCH", "0"), "max_batch"),
    "no issuer": (
        lambda o: _config(o).pop("AIGUILLAGE_ISSUERS"),
        "deposit: nobody can sign in",
    ),
    "no way out to the issuers": (
        lambda o: o.remove(_one(o, "NetworkPolicy", "aiguillage-to-issuers")),
        "lets out to the port 443",
    ),
    "a service that may send mails": (
        lambda o: _one(o, "NetworkPolicy", "aiguillage-to-mail")["spec"].update(podSelector={}),
        "aiguillage-support is let out to the mail server",
    ),
    "a service that cannot send its mails": (
        lambda o: _one(o, "NetworkPolicy", "aiguillage-to-mail")["spec"]["podSelector"][
            "matchExpressions"
        ][0]["values"].remove("notification"),
        "aiguillage-notification is let out to the mail server, or should be",
    ),
    "a service that may send webhooks": (
        lambda o: _one(o, "NetworkPolicy", "aiguillage-to-webhooks")["spec"].update(podSelector={}),
        "aiguillage-routing is let out to public addresses",
    ),
    "webhooks to the neighbours": (
        lambda o: _egress(o, "aiguillage-to-webhooks")["to"][0]["ipBlock"]["except"].remove(
            "10.0.0.0/8"
        ),
        "NetworkPolicy aiguillage-to-webhooks: egress to anybody",
    ),
    "no way out to webhooks": (
        lambda o: o.remove(_one(o, "NetworkPolicy", "aiguillage-to-webhooks")),
        "webhooks go to the ports []",
    ),
    "the private keys for another": (
        lambda o: _container(o)["env"].append(
            next(
                each
                for each in _container(o, "aiguillage-organisation")["env"]
                if each["name"] == "AIGUILLAGE_SMTP_PASSWORD"
            )
        ),
        "aiguillage-routing: reads the key of smtp-password",
    ),
    "keys that nobody may ask for": (
        lambda o: o.remove(_one(o, "NetworkPolicy", "aiguillage-asked-for-keys")),
        "aiguillage-routing is not let in to aiguillage-organisation",
    ),
    "no broker": (lambda o: _config(o).pop("AIGUILLAGE_KAFKA"), "('kafka',): Field required"),
    "an instance that changes": (
        lambda o: _container(o)["env"].pop(1),
        "its instance is not its pod's name",
    ),
    "too many readers": (
        lambda o: _container(o, "aiguillage-deposit")["env"][0].update(value="16"),
        "2 readers and 16 deposits may need over",
    ),
    "a scaled topic that it does not take": (
        lambda o: _scaled(o)["triggers"][0]["metadata"].update(topic="travaux.statut.v1"),
        "routing takes no travaux.statut.v1",
    ),
    "a scaled set that is not there": (
        lambda o: _scaled(o)["scaleTargetRef"].update(name="x"),
        "no StatefulSet x",
    ),
    "more replicas than partitions": (
        lambda o: _scaled(o).update(maxReplicaCount=13),
        "partitions",
    ),
}


def test_the_example_is_without_fault() -> None:
    assert len(OBJECTS) > 20
    assert find_faults(OBJECTS) == []


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_named(fault: str) -> None:
    plant, said = PLANTED[fault]
    objects = copy.deepcopy(OBJECTS)
    plant(objects)

    assert any(said in each for each in find_faults(objects)), find_faults(objects)


def test_the_example_is_what_its_parts_come_to() -> None:
    first = render.RENDERED.read_text(encoding="utf-8").splitlines()[0]

    assert render.compute_digest() in first, "the manifests changed: python -m deploy.render"


@NEEDS_KUSTOMIZE
def test_kustomize_builds_the_example_to_the_letter() -> None:
    _, _, rendered = render.RENDERED.read_text(encoding="utf-8").partition("\n")

    assert render.build(str(find_program("kustomize"))) == rendered


def test_every_part_is_named_and_every_name_is_found() -> None:
    assert find_unresolved(render.MANIFESTS) == []


def test_a_part_that_is_lost_or_idle_is_named(tmp_path: Path) -> None:
    shutil.copytree(render.MANIFESTS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "base" / "network.yaml").rename(tmp_path / "base" / "net.yaml")

    assert find_unresolved(tmp_path) == [
        "base/kustomization.yaml: no network.yaml",
        "nothing names base/net.yaml",
    ]
