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
_MAVEN_TIMEOUT_S = 600
_FORMAT_TIMEOUT_S = 60
_CLUSTER_ID = "YWlndWlsbGFnZS1sb2NhbA"
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
    """Download Kafka once; format the storage of a new cluster in `data`. Raises LaunchError."""
    missing = find_missing()
    if missing is not None:
        raise LaunchError(f"native backend: {missing}")
    _resolve_jars()
    data.mkdir(parents=True, exist_ok=True)
    # This file is written at the end of a format: an interrupted format is repeated.
    if (data / "log" / "meta.properties").exists():
        return
    properties = _write_properties(data, port=find_free_port())
    storage_tool = _build_java_command("kafka.tools.StorageTool")
    _run(
        [*storage_tool, "format", "--ignore-formatted", f"-t={_CLUSTER_ID}", "-c", properties],
        timeout_s=_FORMAT_TIMEOUT_S,
        failure="Apache Kafka could not format its storage",
    )


def build_command(data: Path, port: int) -> list[str]:
    """Build the build_command that runs Kafka on `port`, with its storage in `data`."""
    return [*_build_java_command("kafka.Kafka"), _write_properties(data, port)]


def _build_java_command(main_class: str) -> list[str]:
    return [
        "java",
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        f"{_get_jars_folder()}/*",
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


def _resolve_jars() -> None:
    """Download the jars unless they are there; of two launchers at once, one downloads them."""
    _CACHE.mkdir(exist_ok=True)
    with (_CACHE / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
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
