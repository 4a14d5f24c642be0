"""Apache Kafka in KRaft mode, one node, on the machine's Java, its jars resolved by Maven."""

import fcntl
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree as ET

from deploy.errors import LaunchError
from deploy.local.ports import HOST, find_free_port

_HERE = Path(__file__).parent
_POM = _HERE / "pom.xml"
_PROPERTIES = _HERE / "server.properties"
_CACHE = _HERE.parents[2] / ".run"
_JAVA_MIN = 17
_MAVEN_TIMEOUT_S = 600
_FORMAT_TIMEOUT_S = 60
_ARCHIVE_TIMEOUT_S = 120
_STARTED = "Kafka Server started"
_CLUSTER_ID = "YWlndWlsbGFnZS1sb2NhbA"
_LOG_LEVEL = "-Dorg.slf4j.simpleLogger.defaultLogLevel"
_META = "meta.properties"
_INSTALL = "Debian: apt-get install default-jre-headless maven"


def find_missing() -> str | None:
    """Describe what this machine lacks to run Kafka; None when it can run."""
    java = _read_java_version()
    if java is None:
        return f"no Java here, {_JAVA_MIN} or newer is needed ({_INSTALL})"
    if java < _JAVA_MIN:
        return f"Java {java} is too old, {_JAVA_MIN} or newer is needed ({_INSTALL})"
    if not _get_jars_folder().exists() and shutil.which("mvn") is None:
        return f"no Maven here to fetch Apache Kafka ({_INSTALL})"
    return None


def prepare(data: Path) -> None:
    """Download Kafka once; give a new cluster a formatted storage in `data`. Raises LaunchError."""
    missing = find_missing()
    if missing is not None:
        raise LaunchError(f"native backend: {missing}")
    _resolve_jars()
    log = data / "log"
    if (log / _META).exists():
        return
    empty = _format_empty()
    _archive_classes(empty)
    shutil.copytree(empty, log, ignore=shutil.ignore_patterns(_META), dirs_exist_ok=True)
    # This file comes last: an interrupted copy is repeated.
    shutil.copy(empty / _META, log)


def build_command(data: Path, port: int) -> list[str]:
    """Build the build_command that runs Kafka on `port`, with its storage in `data`."""
    archive = _get_archive()
    # Java ignores an archive of another Java, or of jars that moved.
    options = [f"-XX:SharedArchiveFile={archive}"] if archive.exists() else []
    return [*_build_java_command("kafka.Kafka", *options), _write_properties(data, port)]


def _build_java_command(main_class: str, *options: str) -> list[str]:
    return [
        "java",
        "-Xmx512m",
        "-XX:+UseSerialGC",
        # It lives for minutes, in which the second compiler takes more than it gives.
        "-XX:TieredStopAtLevel=1",
        f"{_LOG_LEVEL}=warn",
        *options,
        "-cp",
        f"{_get_jars_folder()}/*",
        main_class,
    ]


def _write_properties(data: Path, port: int) -> str:
    controller = find_free_port()
    text = _PROPERTIES.read_text()
    values = {"HOST": HOST, "PORT": port, "CONTROLLER_PORT": controller, "DATA": data / "log"}
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", str(value))
    properties = data / "server.properties"
    properties.write_text(text)
    return str(properties)


def _read_java_version() -> int | None:
    if shutil.which("java") is None:
        return None
    output = subprocess.run(
        ["java", "-version"], capture_output=True, text=True, check=False, timeout=60
    ).stderr
    # Up to Java 8 a version reads 1.8, of which this finds 1: too old either way.
    found = re.search(r'version "(\d+)', output)
    return int(found[1]) if found else None


def _get_jars_folder() -> Path:
    version = ET.parse(_POM).findtext("{*}properties/{*}kafka.version")  # noqa: S314
    return _CACHE / f"kafka-{version}"


def _get_archive() -> Path:
    return _CACHE / f"{_get_jars_folder().name}.jsa"


def _resolve_jars() -> None:
    """Download the jars unless they are there; of two launchers at once, one downloads them."""
    with _lock_cache():
        if _get_jars_folder().exists():
            return
        with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
            fetched = Path(scratch) / "lib"
            goal = ["dependency:copy-dependencies", f"-DoutputDirectory={fetched}"]
            _run(
                ["mvn", "-q", "-B", "-f", str(_POM), "-DincludeScope=runtime", *goal],
                timeout_s=_MAVEN_TIMEOUT_S,
                failure="Maven could not fetch Apache Kafka (no network, or no mirror set up?)",
            )
            # Rename the folder when complete, so that an interrupted download never looks complete.
            fetched.rename(_get_jars_folder())


def _format_empty() -> Path:
    """Format the storage of an empty cluster, once for all clusters: it takes a start of Java."""
    written = sha256(_PROPERTIES.read_bytes() + _CLUSTER_ID.encode()).hexdigest()[:12]
    formatted = _CACHE / f"{_get_jars_folder().name}-empty-{written}"
    with _lock_cache():
        if formatted.exists():
            return formatted
        with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
            properties = _write_properties(Path(scratch), port=find_free_port())
            storage_tool = _build_java_command("kafka.tools.StorageTool")
            _run(
                [*storage_tool, "format", f"-t={_CLUSTER_ID}", "-c", properties],
                timeout_s=_FORMAT_TIMEOUT_S,
                failure="Apache Kafka could not format its storage",
            )
            (Path(scratch) / "log").rename(formatted)
    return formatted


def _archive_classes(empty: Path) -> None:
    """Archive the classes of a started Kafka, once: a start with them takes a third less CPU.

    Without an archive Kafka starts as well, so a failure here is none of the caller.
    """
    with _lock_cache():
        if _get_archive().exists():
            return
        with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
            data = Path(scratch)
            shutil.copytree(empty, data / "log")
            written = data / "classes.jsa"
            options = f"-XX:ArchiveClassesAtExit={written}", f"{_LOG_LEVEL}=info"
            command = _build_java_command("kafka.Kafka", *options)
            _run_until(_STARTED, [*command, _write_properties(data, find_free_port())])
            if written.exists():
                written.rename(_get_archive())


def _run_until(line: str, command: list[str]) -> None:
    """Run a program, tell it to end at the line that it prints, and wait until it has ended."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        limit = threading.Timer(_ARCHIVE_TIMEOUT_S, process.kill)
        limit.start()
        for printed in process.stdout or ():
            if line in printed:
                process.terminate()
        limit.cancel()


@contextmanager
def _lock_cache() -> Iterator[None]:
    """Hold what launchers share for one of them."""
    _CACHE.mkdir(exist_ok=True)
    with (_CACHE / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(arguments: list[str], *, timeout_s: int, failure: str) -> None:
    try:
        done = subprocess.run(
            arguments, capture_output=True, text=True, check=False, timeout=timeout_s
        )
    except subprocess.TimeoutExpired:
        raise LaunchError(f"{failure}: not done after {timeout_s} s") from None
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise LaunchError(f"{failure}: {lines[0] if lines else 'it did not say why'}")
