"""Apache Kafka in KRaft mode, one node, on the machine's Java, its jars resolved by Maven."""

import fcntl
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from deploy.errors import LaunchError
from deploy.local.ports import HOST, find_free_port

_HERE = Path(__file__).parent
_POM = _HERE / "pom.xml"
_CACHE = _HERE.parents[2] / ".run"
_JAVA_MIN = 17
_MAVEN_LIMIT_S = 600
_FORMAT_LIMIT_S = 60
_CLUSTER_ID = "YWlndWlsbGFnZS1sb2NhbA"
_INSTALL = "Debian: apt-get install default-jre-headless maven"


def find_missing() -> str | None:
    """Describe what is missing to run Kafka here; None when nothing is."""
    java = _java_version()
    if java is None:
        return f"no Java here, {_JAVA_MIN} or newer is needed ({_INSTALL})"
    if java < _JAVA_MIN:
        return f"Java {java} is too old, {_JAVA_MIN} or newer is needed ({_INSTALL})"
    if not _jars().exists() and shutil.which("mvn") is None:
        return f"no Maven here to fetch Apache Kafka ({_INSTALL})"
    return None


def prepare(data: Path) -> None:
    """Make sure that Kafka can run, and format the storage of a new cluster in `data`."""
    missing = find_missing()
    if missing is not None:
        raise LaunchError(f"native backend: {missing}")
    _resolve_jars()
    data.mkdir(parents=True, exist_ok=True)
    # Written at the end of a format: an interrupted one is done again.
    if (data / "log" / "meta.properties").exists():
        return
    properties = _write_properties(data, port=find_free_port())
    storage_tool = _java("kafka.tools.StorageTool")
    _run(
        [*storage_tool, "format", "--ignore-formatted", f"-t={_CLUSTER_ID}", "-c", properties],
        limit_s=_FORMAT_LIMIT_S,
        failure="Apache Kafka could not format its storage",
    )


def command(data: Path, port: int) -> list[str]:
    """Build the command that runs Kafka on `port`, with its storage in `data`."""
    return [*_java("kafka.Kafka"), _write_properties(data, port)]


def _java(main_class: str) -> list[str]:
    return [
        "java",
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        f"{_jars()}/*",
        main_class,
    ]


def _write_properties(data: Path, port: int) -> str:
    controller = find_free_port()
    text = (_HERE / "server.properties").read_text()
    values = {"HOST": HOST, "PORT": port, "CONTROLLER_PORT": controller, "DATA": data / "log"}
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", str(value))
    properties = data / "server.properties"
    properties.write_text(text)
    return str(properties)


def _java_version() -> int | None:
    if shutil.which("java") is None:
        return None
    said = subprocess.run(
        ["java", "-version"], capture_output=True, text=True, check=False, timeout=60
    ).stderr
    # Up to Java 8 a version reads 1.8, which is old enough either way.
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else None


def _jars() -> Path:
    version = ET.parse(_POM).findtext("{*}properties/{*}kafka.version")  # noqa: S314
    return _CACHE / f"kafka-{version}"


def _resolve_jars() -> None:
    """Download the jars once; when two launchers need them at the same time, one downloads."""
    _CACHE.mkdir(exist_ok=True)
    with (_CACHE / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _jars().exists():
            return
        with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
            fetched = Path(scratch) / "lib"
            goal = ["dependency:copy-dependencies", f"-DoutputDirectory={fetched}"]
            _run(
                ["mvn", "-q", "-B", "-f", str(_POM), "-DincludeScope=runtime", *goal],
                limit_s=_MAVEN_LIMIT_S,
                failure="Maven could not fetch Apache Kafka (no network, or no mirror set up?)",
            )
            # Renamed when complete, so that an interrupted download never looks complete.
            fetched.rename(_jars())


def _run(arguments: list[str], *, limit_s: int, failure: str) -> None:
    try:
        done = subprocess.run(
            arguments, capture_output=True, text=True, check=False, timeout=limit_s
        )
    except subprocess.TimeoutExpired:
        raise LaunchError(f"{failure}: not done after {limit_s} s") from None
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise LaunchError(f"{failure}: {lines[0] if lines else 'it did not say why'}")
