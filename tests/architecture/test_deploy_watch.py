"""Rules and dashboard ask for what the services export, and the services are all asked."""

import copy
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import promql_parser
import pytest
from promql_parser import AggregateExpr, VectorSelector

from shared.contracts.topics import TOPICS
from shared.runtime.tokens.faults import TokenFault
from tests.kit.deployed import NAMES, ROOT, Yaml, find_program, list_exported_metrics, load
from tests.kit.waiting import scale_timeout

WATCH = ROOT / "deploy" / "watch"
RULES = load(WATCH / "rules.yml")
DASHBOARD = json.loads((WATCH / "grafana/dashboards/aiguillage.json").read_text(encoding="utf-8"))
# What Prometheus adds to each series, and the series that it or its client makes by itself.
TARGET_LABELS = {"job", "instance", "service"}
OTHERS = {"up": set[str](), "process_resident_memory_bytes": set[str]()}
MESSAGE_OUTCOMES = {"applied", "parked", "newer", "dead", "redelivered", "unknown"}
JOB_OUTCOMES = {"done", "failed", "postponed", "lost"}
MAIL_OUTCOMES = {"sent", "refused", "expired"}
TOKEN_OUTCOMES = {"verified", "known", "away", *TokenFault}
PUSH_OUTCOMES = {"delivered", "failed", "gone"}
OUTCOMES = TOKEN_OUTCOMES | MESSAGE_OUTCOMES | JOB_OUTCOMES | MAIL_OUTCOMES | PUSH_OUTCOMES
# What says nothing by itself, and helps to see why an alert fired.
ONLY_DRAWN = {
    "aiguillage_chats_waiting",
    "aiguillage_connections_open",
    "aiguillage_deposit_group_size",
    "aiguillage_jobs",
    "aiguillage_jobs_waiting",
    "aiguillage_level",
    "aiguillage_machine_tokens",
    "aiguillage_messages",
    "aiguillage_odd_header_names",
    "aiguillage_requests_uncounted",
    "aiguillage_socket_closes",
    "aiguillage_socket_frames",
    "aiguillage_sockets_open",
    "aiguillage_upload_bytes",
}
NO_PROMTOOL = find_program("promtool") is None
NEEDS_PROMTOOL = pytest.mark.skipif(NO_PROMTOOL, reason="no promtool here (Debian: prometheus)")


def expressions(rules: Yaml, dashboard: Yaml) -> Iterator[tuple[str, str]]:
    for group in rules["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m")


def faults(rules: Yaml, dashboard: Yaml) -> list[str]:
    found = []
    for name, text in expressions(rules, dashboard):
        try:
            expression = promql_parser.parse(text)
        except ValueError as error:
            found.append(f"{name}: {error}")
            continue
        found += [f"{name}: {each}" for each in _unknown(expression)]
    variables = {each["name"] for each in dashboard["templating"]["list"]}
    found += [
        f"no variable {each}"
        for each in set(re.findall(r"\$(\w+)", json.dumps(dashboard["panels"])))
        if each not in {*variables, "__rate_interval"}
    ]
    return found


def _unknown(expression: Any) -> list[str]:  # noqa: ANN401 - the parser has no common class
    found: list[str] = []
    labels: set[str] = set()
    asked: set[str] = set()

    def look(each: Any) -> None:  # noqa: ANN401
        if isinstance(each, VectorSelector):
            name = each.name or "a series without a name"
            known = list_exported_metrics().get(name, OTHERS.get(name))
            if known is None:
                found.append(f"no service exports {name}")
                return
            labels.update(known, TARGET_LABELS)
            for matcher in each.matchers.matchers:
                if matcher.name not in {*known, *TARGET_LABELS}:
                    found.append(f"{each.name} has no label {matcher.name}")
                found.extend(_no_such_value(matcher.name, matcher.value))
        elif isinstance(each, AggregateExpr) and each.modifier:
            asked.update(each.modifier.labels)

    promql_parser.walk(expression, look)
    return found + [f"nothing has the label {each}" for each in sorted(asked - labels)]


def _no_such_value(label: str, value: str) -> list[str]:
    values = {"topic": {t.name for t in TOPICS}, "outcome": OUTCOMES, "job": {"aiguillage"}}
    if label not in values or any(re.fullmatch(value, each) for each in values[label]):
        return []
    return [f"no {label} is {value}"]


def test_rules_and_dashboard_ask_for_what_is_exported() -> None:
    assert len(list(expressions(RULES, DASHBOARD))) > 20
    assert faults(RULES, DASHBOARD) == []


def test_every_metric_has_a_panel_and_a_rule_unless_it_says_nothing_by_itself() -> None:
    exported = {_base(name) for name in list_exported_metrics()}
    ruled = {rule["alert"] for group in RULES["groups"] for rule in group["rules"]}
    asked: dict[bool, set[str]] = {True: set(), False: set()}
    for name, text in expressions(RULES, DASHBOARD):
        asked[name in ruled] |= {_base(each) for each in re.findall(r"aiguillage_\w+", text)}

    assert exported - asked[False] == set()
    assert exported - asked[True] == ONLY_DRAWN


def _base(series: str) -> str:
    return re.sub(r"_(bucket|count|sum|created|total)$", "", series)


def test_every_alert_has_its_line_in_the_runbook() -> None:
    runbook = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \| (page|ticket) \| [^|]+ \| [^|]+ \|$", runbook, re.MULTILINE)
    alerts = [rule for group in RULES["groups"] for rule in group["rules"]]

    assert told == [(rule["alert"], rule["labels"]["severity"]) for rule in alerts]


def _rule(rules: Yaml, _: Yaml, text: str) -> None:
    rules["groups"][0]["rules"][0]["expr"] = text


def _panel(_: Yaml, dashboard: Yaml, text: str) -> None:
    dashboard["panels"][0]["targets"][0]["expr"] = text


@pytest.mark.parametrize("where", [_rule, _panel])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("aiguillage_dead_letter > 0", "no service exports aiguillage_dead_letter"),
        ("sum(rate(aiguillage_messages[5m]))", "no service exports aiguillage_messages"),
        ("aiguillage_outbox_depth{topic='x'} > 0", "aiguillage_outbox_depth has no label topic"),
        ("sum by (outcom) (aiguillage_messages_total)", "nothing has the label outcom"),
        ("aiguillage_messages_total{topic='travaux.piece.v1'}", "no topic is travaux.piece.v1"),
        ("aiguillage_messages_total{outcome='handled'}", "no outcome is handled"),
        ("sum(aiguillage_outbox_depth", "unclosed left parenthesis"),
    ],
)
def test_a_planted_fault_is_named(
    where: Callable[[Yaml, Yaml, str], None], text: str, said: str
) -> None:
    rules, dashboard = copy.deepcopy(RULES), copy.deepcopy(DASHBOARD)
    where(rules, dashboard, text)

    assert any(said in each for each in faults(rules, dashboard)), faults(rules, dashboard)


def test_a_variable_that_the_dashboard_lacks_is_named() -> None:
    dashboard = copy.deepcopy(DASHBOARD)
    _panel(RULES, dashboard, "aiguillage_outbox_depth{service='$servic'}")

    assert "no variable servic" in faults(RULES, dashboard)


def test_panels_have_room_and_numbers_of_their_own() -> None:
    panels = DASHBOARD["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_every_service_is_scraped_under_its_name() -> None:
    (job,) = load(WATCH / "prometheus.yml")["scrape_configs"]

    assert job["job_name"] == "aiguillage"
    assert job.get("metrics_path", "/metrics") == "/metrics"
    scraped = {each["labels"]["service"]: each["targets"] for each in job["static_configs"]}
    assert scraped == {name: [f"{name}:8000"] for name in NAMES}


def test_every_alert_is_tried_and_says_what_to_do() -> None:
    rules = RULES["groups"][0]["rules"]
    tried = [
        each["alertname"]
        for test in load(WATCH / "rules_test.yml")["tests"]
        for each in test["alert_rule_test"]
        if each.get("exp_alerts")
    ]

    assert {rule["alert"] for rule in rules} == set(tried)
    assert all(rule["annotations"].keys() == {"summary", "action"} for rule in rules)
    assert {rule["labels"]["severity"] for rule in rules} == {"page", "ticket"}


@NEEDS_PROMTOOL
@pytest.mark.parametrize(
    "check",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "rules.yml"),
        ("test", "rules", "rules_test.yml"),
    ],
    ids=" ".join,
)
def test_prometheus_itself_agrees(check: tuple[str, ...]) -> None:
    done = subprocess.run(
        [str(find_program("promtool")), *check],
        cwd=WATCH,
        capture_output=True,
        text=True,
        check=False,
        timeout=scale_timeout(60),
    )

    assert done.returncode == 0, done.stdout + done.stderr
