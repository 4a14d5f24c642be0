"""Private keys of issuers on this machine, kept in files that their user alone may read."""

import json
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, KeySet

from deploy.local.private_files import keep_text

ALGORITHM = "ES256"


def generate_key() -> ECKey:
    """Generate a private key for ES256, named by its thumbprint."""
    return ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)


def keep_key(file: Path) -> ECKey:
    """Read the private key of a file; generate and write it the first time."""
    keep_text(file, lambda: json.dumps(generate_key().as_dict(private=True)))
    return read_key(file)


def read_key(file: Path) -> ECKey:
    """Read the private key of a file."""
    return ECKey.import_key(json.loads(file.read_text(encoding="utf-8")))


def build_key_set(*keys: ECKey) -> dict[str, Any]:
    """Build the JWKS of some keys: their public halves."""
    return dict(KeySet(list(keys)).as_dict(private=False))
