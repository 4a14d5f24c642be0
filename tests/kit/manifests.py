"""Checks of Kubernetes manifests: their schema, by bundled schemas, and their consistency."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
from jsonschema import Draft202012Validator

from deploy.local.platform import ASKING, MAILING
from services.deposit.bootstrap import _BODY_LIMIT_MB as PIECE_MB
from services.notification.pushes.domain.targets import TargetRules
from shared.contracts.public_paths import build_public_prefix
from shared.runtime.settings import name_variable
from tests.kit.deployed import (
    EXAMPLES,
    NAMES,
    ROOT,
    Yaml,
    find_setting_faults,
    find_settings,
    has_route,
    list_subscriptions,
    load,
)

# The oldest version that is still maintained, and the newest that the package knows.
VERSIONS = ("1.34", "1.37")
_CRDS = {
    "ScaledObject": "scaled-object.json",
    "ServiceMonitor": "service-monitor.json",
}
_STORE_PORT = "27017"
"""Port of the store when its address names none."""
_UNITS = {"Mi": 1, "Gi": 1024}
_OUTSIDE = {"aiguillage-store", "aiguillage-organisation", "aiguillage-notification"}
"""Secrets that manifests refer to and an operator creates: docs/deploy.md."""
_ISSUING = "organisation"
"""Service that issues the tokens of machines: all ask it for its keys."""
_MAIL_PORT, _ISSUER_PORT = "587", "443"
_PUSHING = "notification"
"""Service that sends webhooks: it alone is let out to public addresses."""
_INSIDE = {
    *("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.168.0.0/16", "224.0.0.0/4"),
}
"""Addresses that a network policy towards public ones must leave out."""


def find_faults(objects: list[Yaml]) -> list[str]:
    """List all faults of a set of objects; only those of schemas when there are any."""
    wrong = [fault for each in objects for fault in _find_schema_faults(json.dumps(each))]
    if wrong:
        # An object that breaks its schema cannot be checked further.
        return wrong
    checks: tuple[Callable[[list[Yaml]], Iterator[str]], ...] = (
        _find_unnamed,
        _find_unhardened,
        _find_unprobed,
        _find_dangling,
        _find_misset,
        _find_mismatched,
        _find_unreached,
        _find_unpublished,
        _find_open,
        _find_misscaled,
    )
    return [fault for check in checks for fault in check(objects)]


@cache
def _find_schema_faults(text: str) -> tuple[str, ...]:
    """Check one object, as JSON text so that the result is cached, against its schema."""
    each = json.loads(text)
    name = f"{each['kind']} {each['metadata']['name']}"
    if each["kind"] in _CRDS:
        errors = _load_crd(each["kind"]).iter_errors(each)
        return tuple(f"{name}: {error.json_path}: {error.message}" for error in errors)
    return tuple(f"{name}: {fault}" for version in VERSIONS for fault in _validate(each, version))


def _validate(each: Yaml, version: str) -> Iterator[str]:
    try:
        kubernetes_validate.validate(each, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"Kubernetes {version}: {'.'.join(map(str, error.path))}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError:
        yield f"Kubernetes {version} has no {each['apiVersion']} {each['kind']}"


@cache
def _load_crd(kind: str) -> Draft202012Validator:
    path = ROOT / "tests" / "architecture" / "crds" / _CRDS[kind]
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))


def _select_kinds(objects: list[Yaml], *kinds: str) -> dict[str, Yaml]:
    return {each["metadata"]["name"]: each for each in objects if each["kind"] in kinds}


def _find_pods(objects: list[Yaml]) -> dict[str, Yaml]:
    return {
        name: each["spec"]["template"]
        for name, each in _select_kinds(objects, "StatefulSet", "Job").items()
    }


def _find_unnamed(objects: list[Yaml]) -> Iterator[str]:
    expected = {f"aiguillage-{name}" for name in NAMES}
    for kind in ("StatefulSet", "Service", "PodDisruptionBudget"):
        found = _select_kinds(objects, kind).keys()
        if found != expected:
            yield f"{kind}: {sorted(found ^ expected)} is missing or too many"
    for kind in ("Secret", "Role", "ClusterRole", "Pod", "Deployment"):
        yield from (f"{kind} {name} has no place here" for name in _select_kinds(objects, kind))


def _find_unhardened(objects: list[Yaml]) -> Iterator[str]:
    for name, pod in _find_pods(objects).items():
        spec = pod["spec"]
        context = spec.get("securityContext", {})
        wanted = {
            "runAsNonRoot": context.get("runAsNonRoot") is True,
            "a user that is not root": context.get("runAsUser", 0) > 0,
            "seccomp": context.get("seccompProfile") == {"type": "RuntimeDefault"},
            "no token": spec.get("automountServiceAccountToken") is False,
            "no service links": spec.get("enableServiceLinks") is False,
            "a network of its own": not spec.get("hostNetwork"),
        }
        for container in spec["containers"]:
            own = container.get("securityContext", {})
            wanted |= {
                "a root that is read-only": own.get("readOnlyRootFilesystem") is True,
                "no escalation": own.get("allowPrivilegeEscalation") is False,
                "no capability": own.get("capabilities") == {"drop": ["ALL"]},
                "a memory limit": "memory" in container["resources"].get("limits", {}),
                "requests": container["resources"].get("requests", {}).keys() >= {"cpu", "memory"},
                "a version": _has_version(container["image"]),
            }
        yield from (f"{name} lacks {what}" for what, is_there in wanted.items() if not is_there)


def _has_version(image: str) -> bool:
    _, _, tag = image.partition(":")
    return tag not in {"", "latest"}


def _find_unprobed(objects: list[Yaml]) -> Iterator[str]:
    paths = {"startupProbe": "live", "livenessProbe": "live", "readinessProbe": "ready"}
    for name, each in _select_kinds(objects, "StatefulSet").items():
        (container,) = each["spec"]["template"]["spec"]["containers"]
        ports = {port["name"] for port in container["ports"]}
        for probe, path in paths.items():
            asked = container.get(probe, {}).get("httpGet", {})
            if asked.get("path") != f"/health/{path}":
                yield f"{name}: {probe} does not ask /health/{path}"
            elif not has_route(_get_service(name), asked["path"]):
                yield f"{name} answers no {asked['path']}"
            if asked.get("port") not in ports:
                yield f"{name}: {probe} asks no port of its container"


def _get_service(name: str) -> str:
    return name.removeprefix("aiguillage-")


def _find_dangling(objects: list[Yaml]) -> Iterator[str]:
    for name, pod in _find_pods(objects).items():
        volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
        for container in pod["spec"]["containers"]:
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            if mounted != volumes:
                yield f"{name}: volumes {sorted(mounted ^ volumes)} are mounted or declared alone"
            yield from _find_lost_sources(name, container, _select_kinds(objects, "ConfigMap"))
    yield from _find_lost_targets(objects)
    yield from _find_lost_ports(objects)


def _find_lost_sources(name: str, container: Yaml, maps: Mapping[str, Yaml]) -> Iterator[str]:
    for source in container.get("envFrom", []):
        if source["configMapRef"]["name"] not in maps:
            yield f"{name}: no ConfigMap {source['configMapRef']['name']}"
    for variable in container.get("env", []):
        secret = variable.get("valueFrom", {}).get("secretKeyRef")
        if secret and secret["name"] not in _OUTSIDE:
            yield f"{name}: no secret {secret['name']} is announced"
        if not secret:
            continue
        is_own = secret["name"] == name or secret["key"] == _get_service(name)
        if not is_own:
            yield f"{name}: reads the key of {secret['key']}"


def _find_lost_targets(objects: list[Yaml]) -> Iterator[str]:
    for name, each in _select_kinds(objects, "StatefulSet").items():
        if each["spec"]["serviceName"] not in _select_kinds(objects, "Service"):
            yield f"{name}: no Service {each['spec']['serviceName']}"
    for name, each in _select_kinds(objects, "ScaledObject").items():
        target = each["spec"]["scaleTargetRef"]
        if target["name"] not in _select_kinds(objects, target["kind"]):
            yield f"ScaledObject {name}: no {target['kind']} {target['name']}"


def _find_lost_ports(objects: list[Yaml]) -> Iterator[str]:
    containers = [
        each for pod in _find_pods(objects).values() for each in pod["spec"]["containers"]
    ]
    ports = {port["name"] for each in containers for port in each.get("ports", [])}
    named = set()
    for name, each in _select_kinds(objects, "Service").items():
        for port in each["spec"]["ports"]:
            named.add(port["name"])
            if port["targetPort"] not in ports:
                yield f"Service {name}: no container has the port {port['targetPort']}"
    for name, each in _select_kinds(objects, "ServiceMonitor").items():
        for endpoint in each["spec"]["endpoints"]:
            if endpoint["port"] not in named or not has_route(NAMES[0], endpoint["path"]):
                yield f"ServiceMonitor {name} scrapes nothing"


def _find_mismatched(objects: list[Yaml]) -> Iterator[str]:
    """Find selectors that select no pod, or others than those of their name."""
    pods = {name: pod["metadata"]["labels"] for name, pod in _find_pods(objects).items()}
    for kind, name, selector in _list_selectors(objects):
        found = _select(selector, pods)
        if found != {name}:
            yield f"{kind} {name} selects {sorted(found)}"
    yield from _find_mismatched_policies(_select_kinds(objects, "NetworkPolicy"), pods)
    services = {
        name: each["metadata"]["labels"] for name, each in _select_kinds(objects, "Service").items()
    }
    for name, each in _select_kinds(objects, "ServiceMonitor").items():
        if _select(each["spec"]["selector"]["matchLabels"], services) != services.keys():
            yield f"ServiceMonitor {name} does not select every service"


def _list_selectors(objects: list[Yaml]) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    for name, each in _select_kinds(objects, "StatefulSet").items():
        (spread,) = each["spec"]["template"]["spec"]["topologySpreadConstraints"]
        yield "StatefulSet", name, each["spec"]["selector"]["matchLabels"]
        yield "the spread of", name, spread["labelSelector"]["matchLabels"]
    for name, each in _select_kinds(objects, "Service").items():
        yield "Service", name, each["spec"]["selector"]
    for name, each in _select_kinds(objects, "PodDisruptionBudget").items():
        yield "PodDisruptionBudget", name, each["spec"].get("selector", {}).get("matchLabels", {})


def _find_mismatched_policies(
    policies: Mapping[str, Yaml], pods: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    for name, each in policies.items():
        for selector in _list_pod_selectors(each["spec"]):
            if not _select_by(selector, pods):
                yield f"NetworkPolicy {name} selects no pod by {selector}"
    refusing = [each["spec"] for each in policies.values() if "ingress" not in each["spec"]]
    if not any(spec["podSelector"] == {} and "egress" not in spec for spec in refusing):
        yield "no NetworkPolicy refuses what none allows"


def _list_pod_selectors(node: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any part of a policy
    if isinstance(node, dict):
        for key, each in node.items():
            if key == "podSelector":
                yield each
            else:
                yield from _list_pod_selectors(each)
    elif isinstance(node, list):
        for each in node:
            yield from _list_pod_selectors(each)


def _select(wanted: Mapping[str, str], among: Mapping[str, Mapping[str, str]]) -> set[str]:
    return {name for name, labels in among.items() if wanted.items() <= labels.items()}


def _select_by(selector: Mapping[str, Any], among: Mapping[str, Mapping[str, str]]) -> set[str]:
    found = _select(selector.get("matchLabels", {}), among)
    for each in selector.get("matchExpressions", []):
        if each["operator"] != "In":
            raise NotImplementedError(each["operator"])
        found &= {name for name in found if among[name].get(each["key"]) in each["values"]}
    return found


def _find_unreached(objects: list[Yaml]) -> Iterator[str]:
    """Find services that lack the address of one they call, or that a policy does not let in."""
    pods = {name: pod["metadata"]["labels"] for name, pod in _find_pods(objects).items()}
    let_in = {
        (asker, asked)
        for each in _select_kinds(objects, "NetworkPolicy").values()
        for asked in _select_by(each["spec"]["podSelector"], pods)
        for rule in each["spec"].get("ingress", [])
        for source in rule.get("from", [])
        if "podSelector" in source
        for asker in _select_by(source["podSelector"], pods)
    }
    wanted = {(f"aiguillage-{a}", f"aiguillage-{b}") for a, peers in ASKING.items() for b in peers}
    wanted |= {(f"aiguillage-{name}", f"aiguillage-{_ISSUING}") for name in NAMES}
    yield from (f"{asker} is not let in to {asked}" for asker, asked in sorted(wanted - let_in))
    yield from (f"{asker} is let in to {asked}" for asker, asked in sorted(let_in - wanted))
    for name, pod in _find_pods(objects).items():
        (container,) = pod["spec"]["containers"]
        given = {
            each["name"]: each.get("value")
            for each in container.get("env", [])
            if each["name"].endswith("_URL") and each["name"] != "AIGUILLAGE_ISSUER_URL"
        }
        expected = {
            f"AIGUILLAGE_{peer.upper()}_URL": f"http://aiguillage-{peer}:8000"
            for peer in ASKING.get(_get_service(name), ())
        }
        if given != expected:
            yield f"{name} is given {given} instead of {expected}"


def _find_unpublished(objects: list[Yaml]) -> Iterator[str]:
    """Find services without their path on the public address, and paths without a service."""
    ingresses = _select_kinds(objects, "Ingress").values()
    if len(ingresses) != 1:
        yield f"{len(ingresses)} Ingresses, and not one public address"
    for each in ingresses:
        for rule in each["spec"]["rules"]:
            paths = [each["path"] for each in rule["http"]["paths"]]
            wanted = {build_public_prefix(name) for name in NAMES}
            yield from (f"no public path {path}" for path in sorted(wanted - {*paths}))
            yield from (f"public path {path} of nobody" for path in sorted({*paths} - wanted))
            for path, how in zip(paths, rule["http"]["paths"], strict=True):
                asked = how["backend"]["service"]
                if asked != {"name": f"aiguillage-{path.split('/')[1]}", "port": {"name": "http"}}:
                    yield f"public path {path} asks {asked['name']}"
                if how["pathType"] != "Prefix":
                    yield f"public path {path} is not a prefix"
        if each["metadata"].get("annotations"):
            yield "the Ingress is for one controller alone"


def _find_open(objects: list[Yaml]) -> Iterator[str]:
    """Find network policies that are open to anybody, or missing towards broker or store."""
    let_out = set()
    for name, each in _select_kinds(objects, "NetworkPolicy").items():
        for way, side in (("ingress", "from"), ("egress", "to")):
            for rule in each["spec"].get(way, []):
                peers = [
                    peer
                    for peer in rule.get(side) or [{}]
                    if not (way == "egress" and _is_outside(peer))
                ]
                if any(map(_is_anybody, peers)):
                    yield f"NetworkPolicy {name}: {way} {side} anybody"
                if not rule.get("ports"):
                    yield f"NetworkPolicy {name}: {way} by any port"
        rules = each["spec"].get("egress", [])
        let_out |= {
            str(port["port"])
            for rule in rules
            if not any(map(_is_outside, rule.get("to", [])))
            for port in rule.get("ports", [])
        }
    brokers = (
        each["data"].get("AIGUILLAGE_KAFKA", "")
        for each in _select_kinds(objects, "ConfigMap").values()
    )
    named = {broker.rpartition(":")[2] for given in brokers if given for broker in given.split(",")}
    for port in sorted((named | {_STORE_PORT, _ISSUER_PORT, _MAIL_PORT}) - let_out):
        yield f"no NetworkPolicy lets out to the port {port}"
    yield from _find_senders(objects)


def _find_senders(objects: list[Yaml]) -> Iterator[str]:
    """Find services that are let out to the mail server or to webhooks, and send none."""
    pods = {name: pod["metadata"]["labels"] for name, pod in _find_pods(objects).items()}
    receivers = set()
    for each in _select_kinds(objects, "NetworkPolicy").values():
        rules = each["spec"].get("egress", [])
        ports = {str(port["port"]) for rule in rules for port in rule.get("ports", [])}
        let_out = _select_by(each["spec"]["podSelector"], pods)
        if _MAIL_PORT in ports:
            for name in sorted(let_out ^ {f"aiguillage-{service}" for service in MAILING}):
                yield f"{name} is let out to the mail server, or should be"
        if any(_is_outside(peer) for rule in rules for peer in rule.get("to", [])):
            receivers |= ports
            for name in sorted(let_out - {f"aiguillage-{_PUSHING}"}):
                yield f"{name} is let out to public addresses"
    expected = {str(each) for each in TargetRules().ports}
    if receivers != expected:
        yield f"webhooks go to the ports {sorted(receivers)}, and not {sorted(expected)}"


def _is_outside(peer: Yaml) -> bool:
    """Whether a peer is all public addresses, and no others."""
    block = peer.get("ipBlock", {})
    return block.get("cidr") == "2000::/3" or (
        block.get("cidr") == "0.0.0.0/0" and {*block.get("except", [])} >= _INSIDE
    )


def _is_anybody(peer: Yaml) -> bool:
    by_address = peer.get("ipBlock", {}).get("cidr", "").endswith("/0")
    by_name = any(peer.get(selector) for selector in ("podSelector", "namespaceSelector"))
    return by_address or not (by_name or "ipBlock" in peer)


def _find_misset(objects: list[Yaml]) -> Iterator[str]:
    maps = _select_kinds(objects, "ConfigMap")
    image = {"AIGUILLAGE_HOST": "0.0.0.0", "AIGUILLAGE_PORT": "8000"}  # noqa: S104 - as Dockerfile
    for name, each in _select_kinds(objects, "StatefulSet").items():
        spec = each["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        variables = dict(image)
        for source in container["envFrom"]:
            variables |= maps.get(source["configMapRef"]["name"], {"data": {}})["data"]
        for variable in container["env"]:
            source = next(iter(variable.get("valueFrom", {})), "")
            secret = EXAMPLES.get(variable["name"], "mongodb://store")
            from_elsewhere = {"secretKeyRef": secret, "fieldRef": f"{name}-0"}
            variables[variable["name"]] = variable.get("value", from_elsewhere.get(source))
        yield from find_setting_faults(_get_service(name), variables)
        if variables.get("AIGUILLAGE_INSTANCE") != f"{name}-0":
            yield f"{name}: its instance is not its pod's name"
        limit = _parse_mb(container["resources"].get("limits", {}).get("memory", "0Mi"))
        folders = [volume["emptyDir"] for volume in spec["volumes"]]
        tmp = sum(_parse_mb(each["sizeLimit"]) for each in folders)
        in_memory = sum(
            _parse_mb(each["sizeLimit"]) for each in folders if each.get("medium") == "Memory"
        )
        yield from find_memory_shortage(_get_service(name), variables, limit - in_memory)
        yield from find_upload_overflow(_get_service(name), variables, tmp)


def find_memory_shortage(
    service: str, variables: Mapping[str, str], memory_mb: int
) -> Iterator[str]:
    """Find whether the readers of deposit could need more memory than it has besides /tmp."""
    if service != "deposit":
        return
    readers, at_once, reader_mb = (
        _read(service, variables, name)
        for name in ("readers", "max_read_at_once", "reader_memory_mb")
    )
    needed = readers * reader_mb
    # 512 MB for the service itself, and the files of each deposit that is being read.
    if needed + 512 + at_once * PIECE_MB > memory_mb:
        yield f"deposit: {readers} readers and {at_once} deposits may need over {memory_mb} MB"


def find_upload_overflow(service: str, variables: Mapping[str, str], tmp_mb: int) -> Iterator[str]:
    """Find whether the quota of uploads of a service could fill its /tmp, where they wait."""
    if service not in {"deposit", "support"}:
        return
    uploads = _read(service, variables, "uploads_mb")
    if service == "support":
        uploads += _read(service, variables, "uploads_open_mb")
    if uploads >= tmp_mb:
        yield f"{service}: uploads of {uploads} MB may fill its /tmp of {tmp_mb} MB"


def _read(service: str, variables: Mapping[str, str], name: str) -> int:
    """Read a setting from the environment of a service, or its default."""
    return int(
        variables.get(name_variable(name), find_settings(service).model_fields[name].default)
    )


def _parse_mb(quantity: str) -> int:
    return int(quantity[:-2]) * _UNITS[quantity[-2:]]


def _find_misscaled(objects: list[Yaml]) -> Iterator[str]:
    replicas = _select_kinds(objects, "StatefulSet")
    for name, each in _select_kinds(objects, "ScaledObject").items():
        service, spec = _get_service(name), each["spec"]
        if "replicas" in replicas.get(spec["scaleTargetRef"]["name"], {"spec": {}})["spec"]:
            yield f"{name}: its replicas are counted twice"
        for trigger in spec["triggers"]:
            asked = trigger["metadata"]
            partitions = list_subscriptions()[service].get(asked["topic"])
            if asked["consumerGroup"] != service or partitions is None:
                yield f"{name}: {service} takes no {asked['topic']} as {asked['consumerGroup']}"
            elif spec["maxReplicaCount"] > partitions:
                yield f"{name}: more replicas than {asked['topic']} has partitions"


def find_unresolved(folder: Path) -> list[str]:
    """List the missing files of kustomizations, and the files that none refers to."""
    named: set[Path] = set()
    found = []
    for path in sorted(folder.rglob("kustomization.yaml")):
        for entry in _list_references(load(path)):
            target = (path.parent / entry).resolve()
            named.add(target)
            if not (target.is_file() or (target / "kustomization.yaml").is_file()):
                found.append(f"{path.relative_to(folder)}: no {entry}")
    for path in sorted(folder.rglob("*.yaml")):
        is_root = path.name == "kustomization.yaml" or "rendered" in path.parts
        if not is_root and path.resolve() not in named:
            found.append(f"nothing names {path.relative_to(folder)}")
    return found


def _list_references(kustomization: Yaml) -> Iterator[str]:
    yield from kustomization.get("resources", [])
    yield from kustomization.get("components", [])
    yield from (each["path"] for each in kustomization.get("patches", []) if "path" in each)
