"""Piece numbers found in free text: "ma facture EAV-2026-014", "n° 4512", "où en est EAV-NR ?"."""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from shared.vocabulary.texts import fold


def _split_words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LIMIT = 100
_FORMS = 6
_TOKEN = re.compile(r"[^\s,;:!?()«»\"“”'’\[\]<>]+")
_ALLOWED = re.compile(r"[0-9A-Za-z][0-9A-Za-z+\-_/.#]*")
_SEPARATORS = re.compile(r"[+\-_/.# ]+")
_CUES = _split_words(
    "facture factures piece pieces situation numero num no n decompte acompte avoir ref reference "
    "fact facturation"
)
_BETWEEN = _split_words("numero num no n ref reference numerotee portant le la est")
"""Words that may stand between a cue, such as "facture", and its number."""
_NAMING = _split_words("numero num no n")
_LEAST_DIGITS = 3
# Cadres, tickets, dates, quantities, measures, ordinals, formats, statuses, SIRET, articles of a
# text, rules, forms of public procurement (DC4), indexes of prices (BT01), habilitations of
# electricians (B1V).
_NOT_A_NUMBER = re.compile(
    r"a\d{1,2}|t-\d{4}-\d+|(0?[1-9]|[12]\d|3[01])[/.-](0?[1-9]|1[0-2])([/.-](\d{2}|\d{4}))?"
    r"|\d+(h\d*|i?emes?|i?eres?|i?ers?|res?|nde?s?|e|j|mo|ko|go|eur|ttc|ht|%)"
    r"|(ubl|pdf|b2b|b2g|en|mp)[-_/.]?\d+([.]\d+)?"
    r"|[a-z]+(_[a-z]+)+_?\d?|\d{14}|\d+([.]\d+){2,}|\d+[.]\d{1,2}"
    r"|(cir|dep|rou|org|sup|por|http)-.+|p7s|bz2"
    r"|\d*([cdkm]?m[23]?|kg|kwh?|ha)\d*|\d+(x\d+)+"
    r"|[bh]\d[a-z]|(dc|noti|attri|ouv|exe|cerfa|bt|tp)[-_]?\d{1,3}[a-z]?"
)
_UNITS = _split_words(
    "jour jours mois an ans annee annees semaine semaines heure heures h euro euros fois mo ko "
    "pieces factures documents caracteres"
)
_YEAR = re.compile(r"(19|20)\d\d")
_PREFIX = re.compile(r"[A-Za-z]{1,8}\d{0,2}")
_WITHOUT_DIGITS = re.compile(r"[A-Z]{2,8}([-_/][A-Z]{2,8})+")
_ASKS_STATE = re.compile(r"\b(ou en est|statut( de)?|suivre|suivi de)$|^$")
"""What comes before a number without digits, when no cue does: nothing, or "où en est"."""
_NOT_A_PART = _split_words(
    "moa moe moad edi api pdf ubl cii xml csv ht tva ttc siret rib ccag ccap dgd dgfip aife sem spl"
)
_NOT_A_PREFIX = _split_words(
    "a au aux avec ce cette d de des du en est et il je l la le les ma mes mon n ne non nos notre "
    "ou par pas pour que qui sa son sur un une va vos votre depuis date janvier fevrier mars avril "
    "mai juin juillet aout septembre octobre novembre decembre numero num no ref jours mois "
    "facture piece situation decompte acompte cadre statut svp deposee envoyee payee refusee "
    "suspendue siret siren rib iban tva article ccag bonjour merci apres avant erreur code"
)


def find_piece_numbers(text: str) -> tuple[str, ...]:
    """Find the piece number that a text names, in the forms in which it may be deposited.

    The form that was written comes first. Empty when the text names none.
    """
    tokens = [token.rstrip(".-/") for token in _TOKEN.findall(_separate_signs(text))]
    best = max(_list_candidates(tokens), key=lambda each: each[0], default=None)
    return tuple(_list_forms(best[1])) if best else ()


def _separate_signs(text: str) -> str:
    """Separate a number sign from the number: "n°4512", "#4512"."""
    return re.sub(r"(?i)\b(n|no|num)\s*[°º.]\s*", "n ", text).replace("#", " ")


def _list_candidates(tokens: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """List the tokens that may be a piece number, each with its likelihood."""
    for rank, token in enumerate(tokens):
        if _is_number_without_digits(token, tokens[:rank]):
            yield 3, [token]
        if not _is_numberish(token):
            continue
        tail = _take_tail(tokens[rank + 1 :])
        head = _take_head(tokens[:rank], tail) if token[0].isdigit() else None
        if token.isdigit() and not tail and _is_followed_by_unit(tokens[rank + 1 :]):
            continue
        if head:
            yield (4 if _is_announced(tokens[: rank - 1]) else 2), [head, token, *tail]
        elif not token.isdigit():
            if _is_announced(tokens[:rank]):
                yield 4, [token, *tail]
            elif _looks_like_a_number(token, tail):
                yield 3, [token, *tail]
        elif _is_announced_alone(tokens[:rank], token):
            yield 2, [token, *tail]


def _is_announced_alone(before: Sequence[str], digits: str) -> bool:
    """Tell whether digits alone are a number: they are after a cue such as "facture"."""
    if not _is_announced(before):
        return False
    is_named = fold(before[-1]) in _NAMING
    return is_named or (len(digits) >= _LEAST_DIGITS and not _YEAR.fullmatch(digits))


def _is_number_without_digits(token: str, before: Sequence[str]) -> bool:
    """Tell whether capitals are a number: something announces them, or their state is asked for."""
    plain = fold(token)
    if not _WITHOUT_DIGITS.fullmatch(token) or _NOT_A_NUMBER.fullmatch(plain):
        return False
    if _NOT_A_PART & {*_SEPARATORS.split(plain)}:
        return False
    return _is_announced(before) or bool(_ASKS_STATE.search(fold(" ".join(before))))


def _looks_like_a_number(token: str, tail: Sequence[str]) -> bool:
    """Tell whether a token that no word announces may be a number, as "m2" or "F3" may not."""
    digits = sum(sign.isdigit() for sign in token)
    return bool(tail) or digits >= _LEAST_DIGITS or bool(_SEPARATORS.search(token))


def _is_numberish(token: str) -> bool:
    plain = fold(token)
    return (
        len(token) <= _LIMIT
        and bool(_ALLOWED.fullmatch(token))
        and any(sign.isdigit() for sign in token)
        and not _NOT_A_NUMBER.fullmatch(plain)
    )


def _take_tail(after: Sequence[str]) -> list[str]:
    """Take the digits that continue a number, except those that count something."""
    tail = list(takewhile(str.isdigit, after))
    return tail[:-1] if tail and _is_followed_by_unit(after[len(tail) :]) else tail


def _is_followed_by_unit(after: Sequence[str]) -> bool:
    return bool(after) and fold(after[0]) in _UNITS


def _take_head(before: Sequence[str], tail: Sequence[str]) -> str | None:
    """Take the letters that begin a number written with spaces."""
    if not before or not _PREFIX.fullmatch(before[-1]):
        return None
    prefix = before[-1]
    if fold(prefix) in _NOT_A_PREFIX:
        return None
    is_announced = _is_announced(before[:-1])
    if not prefix.isalpha():
        # "A4 2026" is a cadre and a year; "facture A4 2026 007" is a number.
        return prefix if is_announced and tail else None
    # Small letters are a word, unless something announced a number.
    return prefix if prefix.isupper() or is_announced else None


def _is_announced(before: Sequence[str]) -> bool:
    for token in reversed(before):
        word = fold(token)
        if word in _CUES:
            return True
        if word not in _BETWEEN:
            return False
    return False


def _list_forms(parts: Sequence[str]) -> Iterator[str]:
    written = " ".join(parts)
    pieces = [each for each in _SEPARATORS.split(written) if each]
    joined = (separator.join(pieces) for separator in "-/_ ")
    forms = dict.fromkeys((written, *joined, "".join(pieces)))
    yield from [form[:_LIMIT] for form in forms][:_FORMS]
