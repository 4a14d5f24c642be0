"""Form parsing (multipart/form-data, urlencoded): whole and as described, or refused.

Starlette's parser takes a form whose closing boundary never came, drops what has another name, and
keeps the last of two parts of one name. Here the first fault of form is a 400, and each part that
the route does not expect is named in a 422.
"""

from collections.abc import AsyncIterable, Mapping
from urllib.parse import parse_qsl

from starlette.datastructures import FormData

from shared.runtime.web.content_disposition import read_parameters
from shared.runtime.web.form_fields import Expected, ReceivedForm, refuse_body
from shared.runtime.web.multipart import PARTS_MAX, MultipartReader

MULTIPART, URLENCODED = "multipart/form-data", "application/x-www-form-urlencoded"


async def read_form(
    content_type: str, body: AsyncIterable[bytes], fields: Mapping[str, Expected]
) -> FormData:
    """Read a form. Its files are closed when it is refused, or when its sender goes away.

    Raises Problem: 400 when it is no whole form, 422 when a part is not one of `fields`.
    """
    kind, parameters = _parameters(content_type)
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


def _parameters(content_type: str) -> tuple[str, dict[str, str]]:
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
        if form.expects(name, is_file=False):
            form.add_text(name, value.encode(), "utf-8")
