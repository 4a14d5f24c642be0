"""Intents of a message to the virtual agent, recognised by regular expressions."""

import re
from dataclasses import dataclass
from enum import StrEnum

from services.support.agent.domain.piece_numbers import find_piece_numbers
from shared.vocabulary.texts import fold


class Intent(StrEnum):
    """Intent of a message to the agent."""

    GREETING = "accueil"
    THANKS = "remerciement"
    PIECE = "piece"
    ACTIVATION = "activation"
    CONFIRMATION = "confirmation"
    RENUNCIATION = "renoncement"
    PERSON = "personne"
    TICKET = "ticket"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """Parsed message: its intent, the one piece number and the e-mail address in it."""

    intent: Intent
    numbers: tuple[str, ...] = ()
    """Spellings under which the piece may be deposited, the one in the message first."""
    email: str | None = None
    """E-mail address in the message, for ACTIVATION and CONFIRMATION alone.

    None when a confirmation repeats none.
    """


_EMAIL = re.compile(r"[^@\s<>\"(),;:\\]+@[^@\s<>\"(),;:\\]+\.[^@\s<>\"(),;:\\.]+")
_GREETING = re.compile(
    r"(bonjour|bonsoir|salut|hello|coucou|merci( beaucoup| bien)?|au revoir|bonne journee|ok|"
    r"d accord|(qui|qu) (etes|es) (vous|tu)|c est quoi (ton|votre) nom|tu es (un )?(robot|humain)|"
    r"(vous etes|etes vous) (un )?(robot|humain)|[\s])+"
)
_THANKS = re.compile(r"(merci( beaucoup| bien)?|au revoir|bonne journee|ok|d accord|[\s])+")
_WANTS_LINK = re.compile(
    r"^(?!.*\b(notifications?|alertes?)\b)"
    r".*(\b(lien|mail|email|courriel)\b.*\b(re)?activ(ation|er)\b"
    r"|\b(re)?activ(ation|er)\b.*\b(lien|mail|email|courriel)\b)"
)
_WANTS_NO_LINK = re.compile(
    r"\bne? (\w+ )?(veu[xt]|veulent|voul(ons|ez|ais)|voudrais|souhait\w+|desir\w+|"
    r"demand(ez?|ons)|r?envoye[zr]|r?envoie|transmettez|faut)"
    r"( \w+){0,2} (pas|plus|jamais|aucun|rien)\b(?! (attendre|patienter)\b)"
    r"|\bveu[xt]( \w+)? (pas|plus)\b(?! (attendre|patienter)\b)"
    r"|\b(pas|plus|aucun|jamais) (besoin|r?envoye[zr]|r?envoie|transmettre|demander?)\b"
    r"|\b(inutile|(?<!ete )(?<!est )annul\w+|surtout pas)\b"
)
"""Refusals of a link. "je n'ai pas reçu de lien" and "mon lien a été annulé" do not match."""
_YES = re.compile(
    r"((oui|ok|d accord|exact|exactement|correct|(c est )?(bien )?ca|(je )?confirme[rz]?|"
    r"(allez|vas) y|(envoyez|transmettez|faites)( l[ae])?|volontiers|bien sur|tout a fait|"
    r"parfait|yes)( |$))+((merci|svp|stp|s il (vous|te) plait|beaucoup)( |$))*"
)
_FOR_ADDRESS = re.compile(r"\b((pour|a|avec) )?((l |mon )?adresse |le compte )?\S+@\S+")
_NO = re.compile(
    r"(non|no|stop|annul\w+|surtout pas|laisse[rz]? tomber|rien)"
    r"( (non|merci|beaucoup|svp|stp|rien|pas|plus|surtout|finalement|tout|du|de|suite|d|autre|la|"
    r"le|l|les|demande|lien|adresse|bonne|mon|ma|c|ce|n|en|ne|je|j|est|ai|etait|moi|bon|ca|va|"
    r"aller|besoin|maintenant|veux|voulais|prefere|attendre|envoye[rz]|transmett(ez|re)|faites|"
    r"laisse[rz]?|tomber|stop|annul\w+|encore|mais|au|revoir|journee|s|il|vous|te|plait))*"
)
"""Refusals, with filler words. With any other word this pattern does not match."""
_A_PERSON = (
    r"(quelqu un|une personne|humain|conseillere?|operateur|(un|votre) agent|teleconseiller)"
)
_WANTS_PERSON = re.compile(
    rf"\b(parler|discuter|echanger|tchatter|chatter|joindre|contacter|passez)\b.*\b{_A_PERSON}\b"
    rf"|\b(avoir|voir|veux|voudrais|souhaite) (un |une )?{_A_PERSON}\b"
    r"|^(un |une |a )*(humain|conseillere?|personne|agent|operateur)( svp)?$"
)
"""A person is wanted; "je veux rattacher quelqu'un" does not match."""
_ASKS_WHEN = re.compile(r"\b(horaires?|quelle heure|a quelle|quand)\b")
_WANTS_TICKET = re.compile(
    r"\b(ouvrir|ouvre|ouvrez|creer|cree|deposer|faire|envoyer|veux|voudrais)\b.*\bticket\b|^ticket$"
)
_HOW = re.compile(r"\b(comment|quelle?s?|ou)\b")


def parse_message(text: str, *, awaits_email: bool, awaits_yes: bool = False) -> ParsedMessage:
    """Recognise the intent of a message.

    Args:
        text: the message.
        awaits_email: the agent has just asked for the e-mail address of an account.
        awaits_yes: the agent has just asked to confirm an e-mail address.
    """
    plain = " ".join(re.sub(r"[^\w@.+-]+", " ", fold(text)).split())
    email = _EMAIL.search(text)
    is_refusal = _WANTS_NO_LINK.search(plain) is not None
    words = re.sub(r"[^a-z]+", " ", _FOR_ADDRESS.sub("", plain) if email else plain).strip()
    if awaits_yes and _YES.fullmatch(words):
        return ParsedMessage(Intent.CONFIRMATION, email=email[0].rstrip(".") if email else None)
    if email and not is_refusal and (awaits_email or awaits_yes or _WANTS_LINK.search(plain)):
        return ParsedMessage(Intent.ACTIVATION, email=email[0].rstrip("."))
    if (awaits_yes or awaits_email) and (is_refusal or _NO.fullmatch(words)):
        return ParsedMessage(Intent.RENUNCIATION)
    greeting = plain.replace("-", " ").strip(" .")
    if _GREETING.fullmatch(greeting):
        return ParsedMessage(Intent.THANKS if _THANKS.fullmatch(greeting) else Intent.GREETING)
    if not email and (numbers := find_piece_numbers(text)):
        return ParsedMessage(Intent.PIECE, numbers=numbers)
    return ParsedMessage(_recognise_intent(plain))


def _recognise_intent(plain: str) -> Intent:
    """Recognise the intent of a text by its words alone."""
    if _WANTS_LINK.search(plain) and not _WANTS_NO_LINK.search(plain):
        return Intent.ACTIVATION
    if _WANTS_PERSON.search(plain) and not _ASKS_WHEN.search(plain):
        return Intent.PERSON
    if _WANTS_TICKET.search(plain) and not _HOW.search(plain):
        return Intent.TICKET
    return Intent.QUESTION
