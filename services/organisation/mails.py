"""French texts of the mails of organisation: the templates of `data`."""

from pathlib import Path

from shared.application.mail_templates import MailTemplates

MAILS = MailTemplates(Path(__file__).parent / "data")
