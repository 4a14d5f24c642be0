"""Templates of mails: French texts of a service, in a folder, whose fields are filled in by Jinja.

`name.txt` begins by the line of its subject, `Objet : …`, then an empty line, then the text.
`name.html` beside it, if there is one, is the same in HTML, where fields are escaped. A file whose
name begins by `_` is a page that others extend.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from jinja2.meta import find_undeclared_variables

from shared.application.mail import Mail
from shared.vocabulary.texts import make_one_line

Field = str | Sequence[Mapping[str, str]]
"""Value of a field: a text, which is put on one line, or rows of such texts."""

_HEAD = "Objet : "
_FIELD_LIMIT = 1000
_QUOTED_LIMIT = 100
"""Length limit of a text in a field, and of one in the subject, in characters."""


class TemplateError(ValueError):
    """A template that cannot be used, or fields that are not its own."""


@dataclass(frozen=True, slots=True)
class _MailTemplate:
    subject: Template
    text: Template
    html: Template | None
    fields: frozenset[str]


class MailTemplates:
    """Templates of a folder, by their names without `.txt`."""

    def __init__(self, folder: Path) -> None:
        """Load all of them: a faulty one ends the service at its start, with TemplateError."""
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(["html"], default_for_string=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._templates = {path.stem: self._load(path) for path in sorted(folder.glob("*.txt"))}

    @property
    def fields(self) -> Mapping[str, frozenset[str]]:
        """Names of the fields of each template."""
        return {name: template.fields for name, template in self._templates.items()}

    def render(
        self,
        name: str,
        to: str,
        entity: str | None = None,
        unsubscribe: str | None = None,
        **fields: Field,
    ) -> Mail:
        """Build the mail of a template, such as `MAILS.render("activation", to=…, lien=…)`.

        Each text is put on one line and cut: a name can add no paragraph. Raises TemplateError for
        a missing or unknown field, MailError for a wrong address.
        """
        template = self._templates[name]
        if fields.keys() != template.fields:
            names = ", ".join(sorted(fields.keys() ^ template.fields))
            raise TemplateError(f"{name}: missing or unknown fields: {names}")
        values = _cut(fields, _FIELD_LIMIT)
        return Mail(
            to=to,
            subject=template.subject.render(_cut(fields, _QUOTED_LIMIT)),
            text=template.text.render(values),
            entity=entity,
            html=template.html.render(values) if template.html else None,
            unsubscribe=unsubscribe,
        )

    def _load(self, path: Path) -> _MailTemplate:
        head, gap, rest = path.read_text(encoding="utf-8").partition("\n\n")
        subject, text = head.removeprefix(_HEAD), rest.strip("\n")
        if not (gap and head.startswith(_HEAD) and subject and text) or "\n" in subject:
            raise TemplateError(f"{path.stem}: the first line is «{_HEAD}…», the second is empty")
        html = path.with_suffix(".html")
        fields = self._find_fields(f"{subject}{text}")
        if html.exists() and (more := self._find_fields(html.read_text(encoding="utf-8")) - fields):
            names = ", ".join(sorted(more))
            raise TemplateError(f"{path.stem}: fields of the HTML alone: {names}")
        return _MailTemplate(
            self._environment.from_string(subject),
            self._environment.from_string(f"{text}\n"),
            self._environment.get_template(html.name) if html.exists() else None,
            fields,
        )

    def _find_fields(self, source: str) -> frozenset[str]:
        return frozenset(find_undeclared_variables(self._environment.parse(source)))


def _cut(fields: Mapping[str, Field], limit: int) -> Mapping[str, Field]:
    return {
        name: make_one_line(value)[:limit]
        if isinstance(value, str)
        else [{key: make_one_line(each)[:limit] for key, each in row.items()} for row in value]
        for name, value in fields.items()
    }
