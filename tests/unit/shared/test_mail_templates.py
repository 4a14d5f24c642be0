"""Templates of mails: fields that add no line, no header and no markup."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from shared.application.mail_templates import MailTemplates, TemplateError

TO = "claire@exemple.fr"
GREETING = "Objet : {{ nom }}\n\nBonjour {{ nom }}.\n"


def load(folder: Path, text: str, html: str | None = None) -> MailTemplates:
    """Load a folder with one template, `essai`."""
    (folder / "essai.txt").write_text(text, encoding="utf-8")
    if html is not None:
        (folder / "essai.html").write_text(html, encoding="utf-8")
    return MailTemplates(folder)


def test_a_line_end_in_a_field_adds_no_header_and_no_paragraph(tmp_path: Path) -> None:
    mails = load(tmp_path, "Objet : Rejoindre {{ nom }}\n\nBonjour « {{ nom }} ».\n")

    mail = mails.render("essai", TO, nom="Mairie\r\nBcc: paul@exemple.fr\r\n\r\nCliquer ici")

    assert mail.subject == "Rejoindre Mairie Bcc: paul@exemple.fr Cliquer ici"
    assert mail.text == "Bonjour « Mairie Bcc: paul@exemple.fr Cliquer ici ».\n"
    assert (mail.to, mail.html, mail.unsubscribe) == (TO, None, None)


def test_a_field_that_looks_like_a_field_stays_as_it_is(tmp_path: Path) -> None:
    mails = load(tmp_path, GREETING)

    mail = mails.render("essai", TO, nom="{{ lien }} {% if %} {0.__class__}")

    assert mail.text == "Bonjour {{ lien }} {% if %} {0.__class__}.\n"


def test_markup_in_a_field_is_escaped_in_html_alone(tmp_path: Path) -> None:
    mails = load(tmp_path, GREETING, '<p title="{{ nom }}">{{ nom }}</p>\n')

    mail = mails.render("essai", TO, nom='<script>alert("a")</script> & l\'été')

    assert mail.text == 'Bonjour <script>alert("a")</script> & l\'été.\n'
    escaped = "&lt;script&gt;alert(&#34;a&#34;)&lt;/script&gt; &amp; l&#39;été"
    assert mail.html == f'<p title="{escaped}">{escaped}</p>\n'


def test_rows_are_listed_each_text_on_one_line(tmp_path: Path) -> None:
    mails = load(
        tmp_path,
        "Objet : {{ rangs|length }} rangs\n\n"
        "{% for rang in rangs %}\n- {{ rang.nom }}\n{% endfor %}\n",
        "{% for rang in rangs %}<b>{{ rang.nom }}</b>{% endfor %}",
    )

    mail = mails.render("essai", TO, rangs=[{"nom": "un\ndeux"}, {"nom": "<i>"}])

    assert (mail.subject, mail.text) == ("2 rangs", "- un deux\n- <i>\n")
    assert mail.html == "<b>un deux</b><b>&lt;i&gt;</b>"


def test_a_field_of_a_megabyte_is_cut(tmp_path: Path) -> None:
    mail = load(tmp_path, GREETING).render("essai", TO, nom="a" * 1_000_000)

    assert (len(mail.subject), len(mail.text)) == (100, 1000 + len("Bonjour .\n"))


@pytest.mark.parametrize("fields", [{}, {"nom": "a", "autre": "b"}])
def test_missing_and_unknown_fields_are_refused(tmp_path: Path, fields: dict[str, str]) -> None:
    with pytest.raises(TemplateError, match="missing or unknown fields"):
        load(tmp_path, GREETING).render("essai", TO, **fields)


def test_a_row_without_its_text_is_refused(tmp_path: Path) -> None:
    mails = load(tmp_path, "Objet : a\n\n{% for rang in rangs %}{{ rang.nom }}{% endfor %}\n")

    with pytest.raises(UndefinedError):
        mails.render("essai", TO, rangs=[{"autre": "a"}])


@pytest.mark.parametrize("content", ["", "Bonjour\n\nTexte", "Objet : \n\nTexte", "Objet : a\nb"])
def test_a_template_without_its_head_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(TemplateError):
        load(tmp_path, content)


def test_html_has_the_fields_of_its_text(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="fields of the HTML alone: lien"):
        load(tmp_path, GREETING, "{{ nom }} {{ lien }}")
