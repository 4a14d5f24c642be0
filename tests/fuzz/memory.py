"""Peak memory of the processes of a platform, compared with the limits of their containers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from deploy.local.platform import SERVICES, Platform
from tests.fuzz.faults import Fault, Sort, Tally
from tests.kit.process_memory import measure_peak_mb

ROOT = Path(__file__).parents[2]
_MANIFESTS = ROOT / "deploy" / "k8s" / "rendered" / "example.yaml"
_UNITS = {"Mi": 1, "Gi": 1024}


@dataclass(slots=True)
class Watched:
    """Processes by name, and their memory limits in MB."""

    pids: Mapping[str, int]
    limits_mb: Mapping[str, float]

    @classmethod
    def watch_services(cls, platform: Platform) -> "Watched":
        """Watch the services of a platform, with the memory limits of their containers."""
        names = [module.rpartition(".")[2] for module in SERVICES]
        return cls({name: platform.get_pid(name) for name in names}, read_container_limits_mb())

    def look(self, tally: Tally, name: str) -> None:
        """Record the peaks; a process over its limit, or that has ended, is a fault."""
        for service, pid in self.pids.items():
            taken_mb = measure_family_peak_mb(pid)
            tally.peak_mb = max(tally.peak_mb, taken_mb or 0)
            if taken_mb is None:
                self._report(tally, Sort.EXCEPTION, f"{service} ended, by {name}", "no process")
            elif taken_mb > self.limits_mb[service]:
                detail = f"{taken_mb:.0f} MB of {self.limits_mb[service]:.0f}"
                self._report(tally, Sort.MEMORY, f"{service}, by {name}", detail)

    def _report(self, tally: Tally, sort: Sort, name: str, detail: str) -> None:
        service = name.partition(",")[0]
        if not any(fault.name.startswith(service) for fault in tally.faults):
            tally.faults.append(Fault(sort, name, detail))


def read_container_limits_mb() -> Mapping[str, float]:
    """Read the memory limit of each service's container from the manifests, in MB."""
    documents = yaml.safe_load_all(_MANIFESTS.read_text(encoding="utf-8"))
    sets = [each for each in documents if each["kind"] in {"StatefulSet", "Deployment"}]
    return {
        each["metadata"]["name"].removeprefix("aiguillage-"): _read_limit_mb(
            each["spec"]["template"]["spec"]
        )
        for each in sets
    }


def measure_family_peak_mb(pid: int) -> float | None:
    """Measure the peak resident memory of a process and of its present children, summed, in MB.

    None when the process has ended.
    """
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    own_mb = measure_peak_mb(pid)
    if not own_mb:
        return None
    return own_mb + sum(measure_family_peak_mb(int(each)) or 0 for each in children)


def _read_limit_mb(pod: Mapping[str, list[Mapping[str, Mapping[str, Mapping[str, str]]]]]) -> float:
    limit = pod["containers"][0]["resources"]["limits"]["memory"]
    return float(limit[:-2]) * _UNITS[limit[-2:]]
