"""Mails of organisation: its French texts, and what it fills in."""

from services.organisation.mails import MAILS

# Written by hand: what the features that write to people may fill in.
FIELDS = {
    "activation": {"lien", "expire"},
    "invitation": {"structure", "lien", "expire"},
    "rattachement-demande": {"structure", "demandeur", "lien"},
    "rattachement-decision": {"structure", "decision", "lien"},
    "habilitation-demande": {"structure", "demandeur", "habilitation", "lien"},
    "habilitation-decision": {"structure", "habilitation", "decision", "lien"},
    "rappel": {"structure", "nombre", "depuis", "lien"},
    "structure-decision": {"structure", "decision", "motif"},
    "secret-expire": {"structure", "machine", "expire", "lien"},
}


def test_every_template_is_french_and_asks_for_known_fields() -> None:
    assert MAILS.fields == FIELDS
    for name, fields in FIELDS.items():
        mail = MAILS.render(name, "a@b.fr", **dict.fromkeys(fields, "valeur"))
        assert mail.text.startswith("Bonjour,\n\n")
        assert mail.text.endswith("\n\nAiguillage\n")
        assert "{" not in mail.subject + mail.text


def test_a_line_end_in_the_name_of_a_structure_adds_no_line() -> None:
    mail = MAILS.render(
        "invitation",
        "claire@exemple.fr",
        structure="Mairie\r\nBcc: paul@exemple.fr\r\n\r\nCliquer ici",
        lien="https://exemple.fr/#jeton",
        expire="3 décembre 2026",
    )

    assert mail.subject == (
        "Invitation à rejoindre Mairie Bcc: paul@exemple.fr Cliquer ici sur Aiguillage"
    )
    assert "« Mairie Bcc: paul@exemple.fr Cliquer ici »" in mail.text
