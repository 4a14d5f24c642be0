"""How much memory the processes of a platform have taken, and how much each may."""

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
    """Processes by name, with the megabytes that each may take."""

    pids: Mapping[str, int]
    limits_mb: Mapping[str, float]

    @classmethod
    def services_of(cls, platform: Platform) -> "Watched":
        """Watch the services, each within what its container gets."""
        names = [module.rpartition(".")[2] for module in SERVICES]
        return cls({name: platform.get_pid(name) for name in names}, container_limits_mb())

    def look(self, tally: Tally, name: str) -> None:
        """Note the peaks, and the faults of those that are over their memory or have ended."""
        for service, pid in self.pids.items():
            taken_mb = peak_of(pid)
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


def container_limits_mb() -> Mapping[str, float]:
    """Read what each service's container gets from the manifests."""
    documents = yaml.safe_load_all(_MANIFESTS.read_text(encoding="utf-8"))
    sets = [each for each in documents if each["kind"] in {"StatefulSet", "Deployment"}]
    return {
        each["metadata"]["name"].removeprefix("aiguillage-"): _limit_mb(
            each["spec"]["template"]["spec"]
        )
        for each in sets
    }


def peak_of(pid: int) -> float | None:
    """Give the largest resident sizes of a process and of its children now, in MB together.

    None when it has ended.
    """
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    own_mb = measure_peak_mb(pid)
    if not own_mb:
        return None
    return own_mb + sum(peak_of(int(each)) or 0 for each in children)


def _limit_mb(pod: Mapping[str, list[Mapping[str, Mapping[str, Mapping[str, str]]]]]) -> float:
    limit = pod["containers"][0]["resources"]["limits"]["memory"]
    return float(limit[:-2]) * _UNITS[limit[-2:]]
