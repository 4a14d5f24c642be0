"""Form parsing (multipart/form-data, urlencoded) that refuses incomplete and unexpected forms.

Starlette's parser accepts a form without its closing boundary, drops unknown parts, and keeps the
last of two parts with one name. Here a malformed form gets a 400, and a 422 names each part that
the route does not expect.
"""

from collections.abc import AsyncIterable, Mapping
from urllib.parse import parse_qsl

from starlette.datastructures import FormData

from shared.runtime.web.content_disposition import read_parameters
from shared.runtime.web.form_fields import ExpectedField, ReceivedForm, refuse_body
from shared.runtime.web.multipart import PARTS_MAX, MultipartReader

MULTIPART, URLENCODED = "multipart/form-data", "application/x-www-form-urlencoded"


async def read_form(
    content_type: str, body: AsyncIterable[bytes], fields: Mapping[str, ExpectedField]
) -> FormData:
    """Read a form. Its files are closed when it is refused, or when the client goes away.

    Raises Problem: 400 for an incomplete or malformed form, 413 for too many bytes of text, 422 for
    a part that is not one of `fields` or is faulty.
    """
    kind, parameters = _read_parameters(content_type)
    form = ReceivedForm(fields)
    try:
        if kind == MULTIPART:
            await MultipartReader(parameters, form).read(body)
        else:
            await _read_pairs(body, form)
        return form.finish()
    except BaseException:
        form.close()
        raise


def _read_parameters(content_type: str) -> tuple[str, dict[str, str]]:
    try:
        return read_parameters(content_type)
    except ValueError:
        refuse_body("son Content-Type est mal formé")


async def _read_pairs(body: AsyncIterable[bytes], form: ReceivedForm) -> None:
    sent = bytearray()
    async for chunk in body:
        form.count_text(len(chunk))
        sent += chunk
    try:
        pairs = parse_qsl(
            sent.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(sent),
            errors="strict",
            max_num_fields=PARTS_MAX,
        )
    except ValueError:
        refuse_body("ce ne sont pas des paires `nom=valeur` en UTF-8")
    for name, value in pairs:
        if form.accept_part(name, is_file=False):
            form.add_text(name, value.encode(), "utf-8")
