"""Bodies of the HTTP answers of deposit."""

from datetime import date, datetime
from typing import Self

from services.deposit.application.consultations import PieceView, Prefill
from services.deposit.application.deposits import Trial
from services.deposit.domain.piece import Completion, Piece
from services.deposit.domain.prefill import Option
from services.deposit.entrypoints.answer_parts import (
    CertificateAnswer,
    FileAnswer,
    JudgedMandateAnswer,
    JudgedSheetAnswer,
    NextAnswer,
    PartiesAnswer,
    ReadAnswer,
    show_attachments,
    show_file,
)
from shared.answers.answer import Answer
from shared.answers.pieces import (
    ActorAnswer,
    CadreAnswer,
    ChangeAnswer,
    PieceAnswer,
    PrevailingAnswer,
)
from shared.answers.violations import ViolationAnswer
from shared.contracts.common_v1 import AmountsV1
from shared.contracts.public_paths import build_public_path
from shared.vocabulary.actors import Actor
from shared.vocabulary.codes import ModePaiement, TypeTva, is_credit_note
from shared.vocabulary.labels import STATUSES


class CompletionAnswer(Answer):
    """An addition to a piece, and its certificate."""

    piece_id: str
    dossier_id: str
    completed_at: datetime
    comment: str | None
    attachments: tuple[FileAnswer, ...]
    certificate: CertificateAnswer

    @classmethod
    def of(cls, piece: Piece, completion: Completion, rank: int) -> Self:
        """Show the completion of a rank, from 1."""
        return cls(
            piece_id=piece.id,
            dossier_id=piece.dossier_id,
            completed_at=completion.completed_at,
            comment=completion.comment,
            attachments=show_attachments(piece, completion.attachments),
            certificate=CertificateAnswer(
                url=build_public_path(
                    "deposit", "pieces", piece.id, "completions", rank, "certificate"
                ),
                sha256=completion.certificate_sha256,
            ),
        )


class DepositedPieceAnswer(PieceAnswer):
    """A piece as deposited, with the status that the caller may see."""

    issued_on: date
    currency: str
    amounts: AmountsV1
    changes: tuple[ChangeAnswer, ...]
    prevailing: PrevailingAnswer | None
    type_code: str
    parties: PartiesAnswer
    """Parties as deposited."""
    dossier_parties: PartiesAnswer
    """Parties of the dossier now, who may see the piece."""
    marche: str | None
    lot: str | None
    mandant: str | None
    """Structure for which the MOA acts under a mandate."""
    mandate: JudgedMandateAnswer | None
    """Mandate that allowed the deposit; null when none was needed."""
    settles: tuple[str, ...]
    """Dossiers that a facture de régularisation (A1) settles."""
    sheet: JudgedSheetAnswer | None
    """Sheet of the marché that the opener was checked against."""
    type_tva: TypeTva | None
    mode_paiement: ModePaiement | None
    comment: str | None
    deposited_at: datetime
    read: ReadAnswer
    next: NextAnswer
    certificate: CertificateAnswer
    file: FileAnswer
    attachments: tuple[FileAnswer, ...]
    completions: tuple[CompletionAnswer, ...]

    @classmethod
    def of(cls, shown: PieceView) -> Self:
        """Show a piece."""
        piece, draft = shown.piece, shown.piece.draft
        return cls(
            piece_id=piece.id,
            dossier_id=piece.dossier_id,
            status=shown.status,
            status_label=STATUSES[shown.status],
            cadre=draft.cadre,
            cadre_label=draft.label,
            number=draft.number,
            issued_on=draft.issued_on,
            currency=draft.currency,
            amounts=AmountsV1.of(draft.amounts),
            changes=tuple(map(ChangeAnswer.of, draft.changes)),
            prevailing=PrevailingAnswer.of(shown.prevailing) if shown.prevailing else None,
            type_code=draft.type_code,
            depositor=ActorAnswer.of_actor(
                Actor(draft.depositor_role, draft.depositor.structure, draft.depositor.service)
            ),
            parties=PartiesAnswer.of(draft.parties),
            dossier_parties=PartiesAnswer.of(shown.parties),
            follows=draft.follows,
            engagement=draft.engagement,
            marche=draft.marche,
            lot=draft.lot,
            mandant=draft.mandant,
            mandate=JudgedMandateAnswer.of_maybe(draft.mandate),
            settles=draft.settles,
            sheet=JudgedSheetAnswer.of_maybe(draft.sheet),
            type_tva=draft.type_tva,
            mode_paiement=draft.mode_paiement,
            comment=draft.comment,
            deposited_at=piece.deposited_at,
            read=ReadAnswer.of(draft.read),
            next=NextAnswer.of_recipient(draft.recipient),
            certificate=CertificateAnswer(
                url=build_public_path("deposit", "pieces", piece.id, "certificate"),
                sha256=piece.certificate_sha256,
            ),
            file=show_file(piece.file, build_public_path("deposit", "pieces", piece.id, "file")),
            attachments=show_attachments(piece, piece.attachments),
            completions=tuple(
                CompletionAnswer.of(piece, completion, rank)
                for rank, completion in enumerate(piece.completions, 1)
            ),
        )


class TrialAnswer(Answer):
    """Result of a dry run: the next recipient, or every rule that refuses the deposit."""

    accepted: bool
    next: NextAnswer | None
    violations: tuple[ViolationAnswer, ...]
    read: ReadAnswer | None

    @classmethod
    def of(cls, trial: Trial) -> Self:
        """Show a trial."""
        return cls(
            accepted=not trial.violations,
            next=NextAnswer.of_recipient(trial.recipient) if trial.recipient else None,
            violations=tuple(ViolationAnswer.of(each) for each in trial.violations),
            read=ReadAnswer.of(trial.read) if trial.read else None,
        )


class OptionAnswer(CadreAnswer):
    """A cadre that may be deposited now, and who would receive it."""

    next: NextAnswer
    required: tuple[str, ...]
    """Fields of the metadata that the recipient requires; `a|b`: either."""

    @classmethod
    def of(cls, option: Option) -> Self:
        """Show an option."""
        return cls(
            cadre=option.cadre,
            cadre_label=option.label,
            next=NextAnswer.of_recipient(option.recipient),
            required=option.required,
        )


class FollowsAnswer(Answer):
    """The piece that is followed, as the metadata names it."""

    piece_id: str


class PrefillFieldsAnswer(Answer):
    """The metadata to start from.

    A deposit is refused with another currency or structure of a party; a signature or a tacit piece
    also with other totals (`due` may be lower), or as another kind of document.
    """

    follows: FollowsAnswer
    currency: str
    amounts: AmountsV1
    type_code: str | None
    """Only for a credit note: the next piece is one as well."""
    parties: PartiesAnswer
    engagement: str | None
    marche: str | None
    lot: str | None
    mandant: str | None
    """Structure for which the MOA of the dossier acts under a mandate."""
    type_tva: TypeTva | None
    mode_paiement: ModePaiement | None


class PrefillAnswer(Answer):
    """The next deposit, prefilled from the piece that it follows.

    `dossier_id`, `cadre` and `number` are those of the piece that it follows; `cadres` are those
    that it may have; `fields` is valid metadata without number, date and cadre.
    """

    dossier_id: str
    cadre: str
    number: str
    cadres: tuple[str, ...]
    options: tuple[OptionAnswer, ...]
    """One per cadre."""
    fields: PrefillFieldsAnswer

    @classmethod
    def of(cls, prefill: Prefill) -> Self:
        """Show a prefill."""
        piece, draft = prefill.piece, prefill.piece.draft
        return cls(
            dossier_id=piece.dossier_id,
            cadre=draft.cadre,
            number=draft.number,
            cadres=tuple(option.cadre for option in prefill.options),
            options=tuple(OptionAnswer.of(option) for option in prefill.options),
            fields=PrefillFieldsAnswer(
                follows=FollowsAnswer(piece_id=piece.id),
                currency=draft.currency,
                amounts=AmountsV1.of(draft.amounts),
                type_code=draft.type_code if is_credit_note(draft.type_code) else None,
                parties=PartiesAnswer.of(prefill.parties),
                engagement=prefill.engagement,
                marche=draft.marche,
                lot=draft.lot,
                mandant=prefill.mandant,
                type_tva=draft.type_tva,
                mode_paiement=draft.mode_paiement,
            ),
        )
