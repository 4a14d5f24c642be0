"""Names of parts and files, as browsers, curl, .NET, requests and old programs write them."""

import unicodedata

import pytest

from shared.runtime.web.content_disposition import Disposition, read_disposition

NAME = "Relevé.pdf"
DECOMPOSED = unicodedata.normalize("NFD", NAME)


@pytest.mark.parametrize(
    ("said", "filename"),
    [
        (f'filename="{NAME}"', NAME),
        (f'filename="{DECOMPOSED}"', NAME),
        ("filename=a.pdf", "a.pdf"),
        ("filename=a b.pdf ; size=3", "a b.pdf"),
        ('FileName="a.pdf";', "a.pdf"),
        ("filename*=UTF-8''Relev%C3%A9.pdf", NAME),
        ("filename*=utf-8'fr'Releve%CC%81.pdf", NAME),
        ("filename*=iso-8859-1''Relev%E9.pdf", NAME),
        ("filename=\"x.pdf\"; filename*=utf-8''Relev%C3%A9.pdf", NAME),
        ("filename*=utf-8''Relev%C3%A9.pdf; filename=x.pdf", NAME),
        ("filename=\"x.pdf\"; filename*=utf-8''%FF.pdf", "x.pdf"),
        ("filename=\"x.pdf\"; filename*=klingon''a.pdf", "x.pdf"),
        ('filename="=?utf-8?B?UmVsZXbDqS5wZGY=?="', NAME),
        ('filename="=?UTF-8?Q?Relev=C3=A9.pdf?="', NAME),
        ('filename="=?utf-8?Q?Relev=c3=a9_2?=.pdf"', "Relevé 2.pdf"),
        ('filename="=?iso-8859-1?q?Relev=E9?= =?utf-8?b?LnBkZg==?="', NAME),
        ('filename="=?utf-8?q?Relev=C3?= =?utf-8?q?=A9.pdf?="', NAME),
        ('filename="=?utf-8?B?***?="', "=?utf-8?B?***?="),
        ('filename="=?punycode?B?YQ==?="', "=?punycode?B?YQ==?="),
        ('filename="a%22b%0D%0A.pdf"', 'a"b\r\n.pdf'),
        ('filename="100%25.pdf"', "100%25.pdf"),
        (r'filename="say \"a\".pdf"', 'say "a".pdf'),
        (r'filename="a\b.pdf"', r"a\b.pdf"),
        (r'filename="C:\docs\a.pdf"', "a.pdf"),
        (r'filename="a;b.pdf"', "a;b.pdf"),
        ('filename=""', ""),
        ("", None),
    ],
)
def test_a_file_has_the_name_that_its_sender_sees(said: str, filename: str | None) -> None:
    header = f'form-data; name="file"; {said}'.encode()

    assert read_disposition(header) == Disposition("file", filename)


def test_bytes_that_are_no_utf_8_are_the_latin_of_windows() -> None:
    header = 'form-data; name="file"; filename="l’été.pdf"'.encode("cp1252")

    assert read_disposition(header).filename == "l’été.pdf"


@pytest.mark.parametrize(
    "name", ["file", '"file"', '"=?utf-8?B?ZmlsZQ==?="', "\"x\"; name*=utf-8''file"]
)
def test_a_field_may_be_named_like_a_file(name: str) -> None:
    assert read_disposition(f"form-data; name={name}".encode()).name == "file"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "form-data",
        "form-data; filename=a.pdf",
        'form-data; name=""',
        "attachment; name=file",
        "form-data; name=file; name=metadata",
        "form-data; name=file; filename=a; filename=b",
        'form-data; name="file',
        'form-data; name="file"; filename="a" b',
        "form-data; name=file; filename*0=a; filename*1=b",
        "form-data; name=file; filename*=a.pdf",
    ],
)
def test_what_does_not_say_its_name_once_is_no_part(header: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_disposition(header.encode())
