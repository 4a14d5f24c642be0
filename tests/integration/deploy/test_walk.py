"""The walk of docs/integrate.md leads where the page says, pasted as it stands."""

import re
import shlex
import shutil
import subprocess
import sys

import pytest

from deploy.local.backends import choose
from deploy.local.platform import SERVICES, Platform
from deploy.local.programs import ROOT
from tests.kit.waiting import scale_timeout

_PAGE = ROOT / "docs" / "integrate.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LIMIT_S = 240


def _needs_curl() -> str | None:
    if not shutil.which("curl"):
        return "no curl here"
    manual = subprocess.run(["curl", "--help", "all"], capture_output=True, text=True, check=True)
    return None if "--json" in manual.stdout else "curl is older than 7.82"


def test_the_walk_goes_from_a_first_piece_to_its_payment_and_through_help() -> None:
    if missing := _needs_curl():
        pytest.skip(missing)
    page = _PAGE.read_text(encoding="utf-8")
    blocks = _BLOCK.findall(page)
    assert "http://" not in "".join(blocks), "the walk knows the address that was pasted alone"

    with Platform(choose().backend, gateway=True) as platform:
        script = _on("\n".join(blocks), platform)
        walked = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=scale_timeout(_LIMIT_S),
        )

    said = walked.stdout
    assert walked.returncode == 0, said + walked.stderr
    assert len(blocks) > len(SERVICES)
    assert '"status":"COMPLETEE"' in said
    assert '"status":"MISE_EN_PAIEMENT"' in said
    assert re.search(r"^conforme : dossier \S+, \d+ fichiers, 3 pièces", said, re.MULTILINE)
    assert '"type":"fr.aiguillage.abonnement.essai.v1"' in said
    assert re.search(r'"type":"fr.aiguillage.piece.statut.v1".*"status":"MISE_EN_PAIEMENT"', said)
    assert '"channel":"mail"' in said
    assert re.search(r'"number":"T-\d{4}-\d{6}","status":"DEPOSE","desk":"metier"', said)
    assert '"kind":"piece","answer":"La pièce SIT-11 ' in said
    assert '"kind":"article"' in said
    assert re.search(r'"status":"CLOS","desk":"metier".*"satisfaction":5', said)
    assert re.search(r'"status":"EN_COURS".*"email":"chantier@example.fr"', said)
    # Open or closed, by the hour at which this runs.
    assert re.search(r'^\{"type":"refus"|"kind":"fin"', said, re.MULTILINE)


def _on(script: str, platform: Platform) -> str:
    """Paste the lines of `make up` before the walk."""
    where = platform.addresses
    lines = (
        f"ORIGIN={where.origin}",
        f"ISSUER={where.issuer}",
        f"MAILS={shlex.quote(str(where.mails / 'new'))}",
        f"export AIGUILLAGE_KAFKA={where.kafka}",
        f"export AIGUILLAGE_MONGO={shlex.quote(where.mongo)}",
        f"export AIGUILLAGE_ISSUERS={shlex.quote(platform.issuers)}",
    )
    pasted = "\n".join((*lines, script))
    return pasted.replace(".venv/bin/python", sys.executable)
