"""Requests that schemathesis generates from the OpenAPI of each service, sent to a platform."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Any
from urllib.parse import urljoin

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import HypothesisException
from hypothesis.strategies import SearchStrategy
from schemathesis.checks import CheckFunction
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from deploy.local.platform import Platform
from tests.fuzz.corpus import build_corpus
from tests.fuzz.faults import SLOW_S, Fault, Sort, Tally
from tests.fuzz.fixtures import Known
from tests.fuzz.memory import Watched
from tests.fuzz.mutating import mutate
from tests.fuzz.stopwatch import Stopwatch
from tests.kit.waiting import scale_timeout

_CHECKS: Sequence[CheckFunction] = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
Case = schemathesis.Case[Any]
_MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
_ENDLESS = "/stream"
_KNOWN_CALLER, _KNOWN_ID, _REAL_FILE = 0.9, 0.7, 0.6
_BUSY_SHARE = 0.05
_LOOK_EVERY = 50
_CLIENT_ERROR, _SERVER_ERROR, _UNAVAILABLE = 400, 500, 503


def fuzz_calls(platform: Platform, number: int, inputs: int, known: Known) -> Tally:
    """Send about `inputs` requests, shared by the services. At most 5% may be answered 503."""
    tally, watched = Tally("http"), Watched.watch_services(platform)
    services = platform.addresses.services
    for url in services.values():
        fuzz_service(url, number, inputs // len(services), known, watched, tally)
    watched.look(tally, "the last request")
    busy = tally.outcomes[str(_UNAVAILABLE)]
    if busy > _BUSY_SHARE * tally.inputs:
        tally.faults.append(Fault(Sort.UNHEALTHY, "503", f"{busy} of {tally.inputs} answers"))
    return tally


def fuzz_service(
    url: str, number: int, inputs: int, known: Known, watched: Watched, tally: Tally
) -> None:
    """Send about `inputs` requests to a service: valid and invalid ones for each operation."""
    schema = schemathesis.openapi.from_dict(
        requests.get(f"{url}/openapi.json", timeout=scale_timeout(9)).json()
    )
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    operations = [each for each in operations if not each.path.endswith(_ENDLESS)]
    each_takes = max(1, inputs // (len(operations) * len(_MODES)))
    caller = _Client(urljoin(url, "/"), Random(number), known, watched, tally)
    for operation in operations:
        for mode in _MODES:
            try:
                _generate(operation.as_strategy(mode), number, each_takes, caller.send)
            except (HypothesisException, schemathesis.errors.SchemathesisError) as error:
                # For instance, an operation without parameters and body has no invalid requests.
                tally.outcomes[f"not generated: {type(error).__name__}"] += 1


def _generate(
    strategy: SearchStrategy[Case],
    number: int,
    inputs: int,
    send: Callable[[Case], None],
) -> None:
    @seed(number)
    @settings(
        max_examples=inputs,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(strategy)
    def each(case: Case) -> None:
        send(case)

    each()


class _Client:
    """Client of one service: sends cases, and judges the answers."""

    def __init__(self, url: str, rng: Random, known: Known, watched: Watched, tally: Tally) -> None:
        self._url = url
        self._rng = rng
        self._known = known
        self._watched = watched
        self._tally = tally
        self._session = requests.Session()
        self._files = build_corpus()

    def send(self, case: Case) -> None:
        """Add known callers, ids and files to a case, send it, and judge the answer."""
        tally = self._tally
        tally.inputs += 1
        name = f"{tally.inputs} {case.method} {case.path}"
        self._set_known_values(case)
        self._put_real_files(case)
        watch = Stopwatch(self._watched.pids.values())
        try:
            answer = case.call(self._url, self._session, timeout=scale_timeout(2 * SLOW_S))
        except requests.Timeout:
            self._report(Sort.SLOW, name, case, "no answer in twice the time")
            return
        except requests.ConnectionError as error:
            self._report(Sort.EXCEPTION, name, case, repr(error))
            return
        taken_s, is_slow = watch.taken_s, watch.is_over()
        tally.record_time(name, 1000 * taken_s)
        tally.outcomes[str(answer.status_code)] += 1
        if is_slow:
            self._report(Sort.SLOW, name, case, f"{taken_s:.1f} s")
        self._judge(name, case, answer)
        if tally.inputs % _LOOK_EVERY == 0:
            self._watched.look(tally, name)

    def _set_known_values(self, case: Case) -> None:
        rng = self._rng
        headers = self._known.choose_caller(rng) if rng.random() < _KNOWN_CALLER else {}
        for name in case.path_parameters:
            thing = self._known.choose(rng, name)
            if thing is not None and rng.random() < _KNOWN_ID:
                case.path_parameters[name] = thing.value
                headers = (
                    headers if rng.random() > _KNOWN_CALLER else dict(thing.headers) or headers
                )
        after = self._known.choose(rng, "after")
        if "after" in case.query and after is not None and rng.random() < _KNOWN_ID:
            case.query["after"] = after.value
        if "if-match" in case.headers and rng.random() < _KNOWN_ID:
            headers["if-match"] = f'"{rng.randrange(1, 5)}"'
        case.headers.update(headers)

    def _put_real_files(self, case: Case) -> None:
        """Send mutated e-invoices as files: random strings would be neither PDF nor XML."""
        rng = self._rng
        body: Any = case.body
        if case.media_type != "multipart/form-data" or not isinstance(body, dict):
            return
        file = mutate(self._files, rng.randrange(10**6), 0).content[:200_000]
        if rng.random() < _REAL_FILE and case.path.endswith("/pieces"):
            body["file"] = file
            body["metadata"] = json.dumps({"type_tva": "TVA_SUR_DEBIT"})
        elif rng.random() < _REAL_FILE and body.get("attachments"):
            body["attachments"] = [file]

    def _judge(self, name: str, case: Case, answer: schemathesis.Response) -> None:
        if answer.status_code == _UNAVAILABLE and "retry-after" in answer.headers:
            return
        if answer.status_code >= _SERVER_ERROR:
            self._report(Sort.SERVER_ERROR, name, case, answer.text[:500])
            return
        try:
            case.validate_response(answer, checks=list(_CHECKS))
        except (Failure, FailureGroup) as failure:
            self._report(Sort.UNDESCRIBED, name, case, str(failure)[:1500])
        if answer.status_code < _CLIENT_ERROR:
            with suppress(ValueError):
                sent = {
                    key: value
                    for key, value in case.headers.items()
                    if key.lower().startswith(("x-", "authorization"))
                }
                self._known.learn(answer.json(), case.path, sent)

    def _report(self, sort: Sort, name: str, case: Case, detail: str) -> None:
        curl = case.as_curl_command().encode(errors="replace")
        self._tally.faults.append(Fault(sort, name, detail, curl))
