"""Picture of a confusion matrix."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_CELL, _LEFT, _TOP, _FONT = 30, 160, 160, 13
_WHITE, _BLACK, _GRID = (255, 255, 255), (20, 20, 20), (210, 210, 210)
_RIGHT_HUE, _WRONG_HUE = (46, 125, 50), (198, 40, 40)


def draw_confusion(
    path: Path, classes: Sequence[str], counts: Mapping[tuple[str, str], int]
) -> None:
    """Draw predicted classes (across) of each true class (down); `counts` by (true, predicted)."""
    size = _CELL * len(classes)
    picture = Image.new("RGB", (_LEFT + size + 20, _TOP + size + 20), _WHITE)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(_FONT)
    for rank, name in enumerate(classes):
        middle = rank * _CELL + _CELL // 2
        pen.text((_LEFT - 8, _TOP + middle), name, _BLACK, font, anchor="rm")
        _write_upright(picture, (_LEFT + middle, _TOP - 8), name, font)
    for row, truth in enumerate(classes):
        whole = sum(counts.get((truth, said), 0) for said in classes)
        for column, said in enumerate(classes):
            count = counts.get((truth, said), 0)
            corner = (_LEFT + column * _CELL, _TOP + row * _CELL)
            opposite = (corner[0] + _CELL, corner[1] + _CELL)
            hue = _RIGHT_HUE if truth == said else _WRONG_HUE
            fill = _shade(hue, count / whole if whole else 0)
            pen.rectangle((corner, opposite), fill=fill, outline=_GRID)
            if count:
                at = (corner[0] + _CELL // 2, corner[1] + _CELL // 2)
                pen.text(at, str(count), _BLACK, font, anchor="mm")
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def _shade(hue: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    red, green, blue = (round(255 + (part - 255) * share * 0.8) for part in hue)
    return red, green, blue


def _write_upright(
    picture: Image.Image,
    foot: tuple[int, int],
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    width = _LEFT
    strip = Image.new("RGB", (width, _CELL), _WHITE)
    ImageDraw.Draw(strip).text((0, _CELL // 2), text, _BLACK, font, anchor="lm")
    turned = strip.rotate(90, expand=True)
    picture.paste(turned, (foot[0] - _CELL // 2, foot[1] - width))
