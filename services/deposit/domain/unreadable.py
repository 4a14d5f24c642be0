"""Rules of unreadable files, judged before any business rule."""

from shared.vocabulary.rules import Rule, Violation
from shared.vocabulary.sizes import format_megabytes


class Unreadable(Exception):  # noqa: N818 - it is an answer to the depositor, not a fault of ours
    """The file cannot be read; `violation` says why and what to do, on field `file`."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(violation.code)
        self.violation = violation


_PLATFORM = "règle de la plateforme"
_XML_SECURITY = "règle de la plateforme : ni DTD ni entité, taille et profondeur bornées"

UNKNOWN_KIND = Rule(
    code="DEP-FILE-01",
    sentence="Le fichier « {name} » n'est ni du XML ni un PDF.",
    remedy="Déposer une facture UBL 2.1, CII ou Factur-X, ou un PDF.",
    source=_PLATFORM,
)
TOO_LARGE = Rule(
    code="DEP-FILE-02",
    sentence="Le fichier pèse {size}, pour {limit} au plus.",
    remedy="Alléger le fichier, par exemple en joignant les pièces à part.",
    source="portail : 10 Mo par fichier ; règle de la plateforme : 20 Mo par PDF",
)


def refuse_size(size_bytes: int, limit_bytes: int) -> Violation:
    """Build the refusal of a file that is over its size limit."""
    return TOO_LARGE.build_violation(
        "file", size=format_megabytes(size_bytes), limit=format_megabytes(limit_bytes)
    )


MALFORMED_XML = Rule(
    code="DEP-FILE-03",
    sentence="Le XML est incomplet ou mal formé (ligne {line}).",
    remedy="Produire à nouveau le fichier ; il a peut-être été tronqué à la copie.",
    source="XML 1.0, documents bien formés",
)
WRONG_ENCODING = Rule(
    code="DEP-FILE-04",
    sentence="Le XML n'est pas écrit dans l'encodage qu'il déclare, ou celui-ci n'est pas admis.",
    remedy="Enregistrer le fichier en UTF-8 et déclarer cet encodage.",
    source="XML 1.0, 4.3.3 ; encodages admis par la plateforme : UTF-8, UTF-16, ISO-8859-1 et -15, "
    "Windows-1252, ASCII",
)
DOCUMENT_TYPE = Rule(
    code="DEP-FILE-05",
    sentence="Le XML contient une déclaration de type de document (DTD) ou des entités.",
    remedy="Retirer la déclaration <!DOCTYPE …> du fichier.",
    source=_XML_SECURITY,
)
TOO_COMPLEX = Rule(
    code="DEP-FILE-06",
    sentence="Le XML est trop profond ou contient trop d'éléments ou d'attributs.",
    remedy="Vérifier le logiciel qui a produit le fichier : une facture n'a pas cette forme.",
    source=_XML_SECURITY,
)
UNKNOWN_ROOT = Rule(
    code="DEP-FILE-07",
    sentence="Le XML n'est pas une facture UBL 2.1 ni CII : sa racine est « {root} ».",
    remedy="Déposer une facture ou un avoir UBL 2.1, ou un CrossIndustryInvoice.",
    source="EN 16931-3 : syntaxes UBL 2.1 et CII",
)
BROKEN_PDF = Rule(
    code="DEP-FILE-08",
    sentence="Le PDF est abîmé ou illisible.",
    remedy="Produire à nouveau le PDF et vérifier qu'il s'ouvre.",
    source=_PLATFORM,
)
ENCRYPTED_PDF = Rule(
    code="DEP-FILE-09",
    sentence="Le PDF est chiffré ou protégé par un mot de passe.",
    remedy="Déposer le PDF sans protection.",
    source="PDF/A-3, qui interdit le chiffrement",
)
SEVERAL_INVOICES = Rule(
    code="DEP-FILE-10",
    sentence="Le PDF contient plusieurs factures électroniques : {names}.",
    remedy="Ne laisser qu'une seule facture électronique dans le PDF.",
    source="Factur-X : une seule facture par PDF",
)
EMBEDDED_UNREADABLE = Rule(
    code="DEP-FILE-11",
    sentence="La facture électronique contenue dans le PDF est abîmée ou dépasse {limit} octets.",
    remedy="Produire à nouveau le PDF avec une facture électronique plus légère.",
    source=_PLATFORM,
)
UNSAFE_PDF = Rule(
    code="DEP-FILE-12",
    sentence="Le PDF emploie une structure ou une compression que la plateforme n'ouvre pas.",
    remedy="Enregistrer à nouveau le document au format PDF/A.",
    source="PDF/A, qui interdit LZW ; règle de la plateforme contre les bombes de décompression",
)
TOO_HEAVY = Rule(
    code="DEP-FILE-13",
    sentence="Le fichier « {name} » demande trop de mémoire ou de temps pour être lu.",
    remedy="Simplifier le document, ou l'enregistrer à nouveau au format PDF/A.",
    source="règle de la plateforme contre les bombes de décompression",
)
INVOICE_MISNAMED = Rule(
    code="DEP-FILE-14",
    sentence="Le PDF contient une facture électronique sous un nom que la norme ne connaît pas : "
    "{names}.",
    remedy="La nommer factur-x.xml dans le PDF, ou déposer son XML seul et joindre le PDF.",
    source="Factur-X : le fichier s'appelle factur-x.xml ; règle de la plateforme : ce que le PDF "
    "contient n'est jamais passé sous silence",
)
