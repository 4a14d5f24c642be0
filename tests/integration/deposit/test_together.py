"""Deposits that arrive together: the same one twice, the same number, a hundred at once."""

import asyncio

import pytest

from deploy.local import einvoices
from shared.vocabulary.roles import Role
from shared.vocabulary.statuses import Status
from tests.integration.deposit.world import PARTIES, World, acting, an_opener, beside, codes


def keyed(key: str) -> dict[str, str]:
    return acting(Role.TITULAIRE, **{"Idempotency-Key": key})


async def test_the_same_deposit_sent_again_gets_the_same_answer(world: World) -> None:
    content = einvoices.write_ubl(an_opener())

    first = await world.deposit(content, beside(), keyed("k-again"))
    again = await world.deposit(content, beside(), keyed("k-again"))

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_the_same_deposit_sent_again_gets_the_piece_as_it_now_is(world: World) -> None:
    content = einvoices.write_ubl(an_opener())
    first = await world.deposit(content, beside(), keyed("k-now"))
    piece_id = first.json()["piece_id"]

    await world.tell_dossier({piece_id: Status.SUSPENDUE}, Role.TITULAIRE)
    again = await world.deposit(content, beside(), keyed("k-now"))
    shown = await world.http.get(f"/pieces/{piece_id}", headers=acting(Role.TITULAIRE))

    assert (first.json()["status"], again.json()["status"]) == ("DEPOSEE", "SUSPENDUE")
    assert again.json() == shown.json()
    for status in (Status.MANDATEE, Status.MISE_EN_PAIEMENT):
        await world.tell_dossier({piece_id: status}, None, payment_not_reported=True)
    hidden = await world.deposit(content, beside(), keyed("k-now"))
    assert hidden.json()["status"] == "MANDATEE"


async def test_a_key_with_another_body_is_refused(world: World) -> None:
    content = einvoices.write_ubl(an_opener())
    await world.deposit(content, beside(), keyed("k-other"))

    for answer in (
        await world.deposit(einvoices.write_ubl(an_opener()), beside(), keyed("k-other")),
        await world.deposit(content, beside(comment="autre"), keyed("k-other")),
        await world.deposit(
            content, beside(), keyed("k-other"), attachments={"a.pdf": b"%PDF-1.7"}
        ),
    ):
        assert answer.status_code == 422
        assert codes(answer) == [("DEP-CLE-01", "Idempotency-Key")]


async def test_a_key_is_its_caller_s_own_and_a_refusal_spends_none(world: World) -> None:
    refused = await world.deposit(
        einvoices.write_ubl(an_opener(cadre="A19")), beside(), keyed("k-refused")
    )
    accepted = await world.deposit(einvoices.write_ubl(an_opener()), beside(), keyed("k-refused"))

    assert (refused.status_code, accepted.status_code) == (422, 201)


@pytest.mark.parametrize("roles", [(Role.TITULAIRE, Role.MOE), (Role.MOE, Role.TITULAIRE)])
async def test_a_key_belongs_to_a_structure_in_one_role(
    world: World, roles: tuple[Role, Role]
) -> None:
    """One structure that is titulaire here and moe there gets each role's own answer."""
    structure, key = PARTIES[Role.TITULAIRE], f"k-{roles[0]}"
    content = einvoices.write_ubl(an_opener())
    said = acting(roles[0], structure, **{"Idempotency-Key": key})
    other = acting(roles[1], structure, **{"Idempotency-Key": key})

    first, second = [await world.deposit(content, beside(), each) for each in (said, other)]

    kept, refused = (first, second) if roles[0] is Role.TITULAIRE else (second, first)
    assert (kept.status_code, refused.status_code) == (201, 422)
    assert "Idempotency-Replayed" not in kept.headers
    assert ("DEP-CLE-01", "Idempotency-Key") not in codes(refused)


async def test_twenty_identical_deposits_at_once_are_one(world: World) -> None:
    content = einvoices.write_ubl(an_opener())
    before = world.kept()["pieces"]

    answers = await asyncio.gather(
        *(world.deposit(content, beside(), keyed("k-twenty")) for _ in range(20))
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["piece_id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert world.kept()["pieces"] == before + 1


async def test_of_fifty_pieces_of_one_number_exactly_one_is_kept(world: World) -> None:
    draft = an_opener(number="SIT race")
    spellings = ("SIT race", "sit RACE")
    contents = [einvoices.write_ubl(an_opener(number=spellings[n % 2])) for n in range(50)]

    answers = await asyncio.gather(*(world.deposit(each, beside()) for each in contents))

    kept = [answer for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code != 201]
    assert len(kept) == 1
    assert {answer.status_code for answer in refused} == {422}
    assert {tuple(codes(answer)) for answer in refused} == {(("DEP-NUM-01", "number"),)}
    again = await world.deposit(einvoices.write_ubl(draft), beside())
    assert codes(again) == [("DEP-NUM-01", "number")]


async def test_a_duplicate_aborts_none_of_its_neighbours(world: World) -> None:
    spent = einvoices.write_ubl(an_opener())
    await world.deposit(spent, beside())
    contents = [einvoices.write_ubl(an_opener()) for _ in range(20)]

    answers = await asyncio.gather(
        *(world.deposit(each, beside()) for content in contents for each in (content, spent))
    )

    assert [answer.status_code for answer in answers] == [201, 422] * 20


@pytest.fixture
async def figures(world: World) -> tuple[float, float]:
    """How many deposits were kept, and by how many transactions."""
    return (
        await world.figure("aiguillage_deposit_group_size_sum"),
        await world.figure("aiguillage_deposit_group_size_count"),
    )


async def test_a_hundred_deposits_at_once_share_transactions(
    world: World, figures: tuple[float, float], capsys: pytest.CaptureFixture[str]
) -> None:
    contents = [einvoices.write_ubl(an_opener()) for _ in range(100)]

    answers = await asyncio.gather(*(world.deposit(each, beside()) for each in contents))

    deposits = await world.figure("aiguillage_deposit_group_size_sum") - figures[0]
    transactions = await world.figure("aiguillage_deposit_group_size_count") - figures[1]
    with capsys.disabled():
        print(f"\n{deposits:.0f} deposits in {transactions:.0f} transactions")
    assert {answer.status_code for answer in answers} == {201}
    assert deposits == 100
    assert transactions <= 50
