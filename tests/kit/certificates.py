"""Certificates of tests: an authority, and the certificates that it signs for servers."""

import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Authority:
    """Certificate authority, whose files are in a folder."""

    folder: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def file(self) -> Path:
        """File of its certificate, for `SSL_CERT_FILE`."""
        return self.folder / "authority.pem"

    def build_context(self, host: str, end: datetime) -> ssl.SSLContext:
        """Build the context of a server: a certificate of this host, valid for a day until then."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _build(host, key, end - timedelta(days=1), end)
            .issuer_name(self.certificate.subject)
            .add_extension(x509.SubjectAlternativeName([_name(host)]), False)
            .sign(self.key, hashes.SHA256())
        )
        return _load(self.folder / f"{host}.pem", certificate, key)


def create_authority(folder: Path, at: datetime) -> Authority:
    """Create an authority, valid around this time."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _sign_itself("Autorité d'essai", key, at)
    authority = Authority(folder, certificate, key)
    authority.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return authority


def build_self_signed(folder: Path, host: str, at: datetime) -> ssl.SSLContext:
    """Build the context of a server whose certificate no authority has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _load(folder / f"{host}-alone.pem", _sign_itself(host, key, at), key)


def _sign_itself(name: str, key: ec.EllipticCurvePrivateKey, at: datetime) -> x509.Certificate:
    return (
        _build(name, key, at - timedelta(days=1), at + timedelta(days=1))
        .issuer_name(_describe(name))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )


def _build(
    name: str, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_describe(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _describe(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _load(
    file: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> ssl.SSLContext:
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context
