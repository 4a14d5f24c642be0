"""A model that was trained by the command: the same guesses, or a refusal."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from services.support.bootstrap import build
from services.support.settings import DATA, load_catalogue
from services.support.suggestions.adapters.examples import Example, read_examples
from services.support.suggestions.adapters.model import TrainedModel, train_model
from services.support.suggestions.adapters.model_file import ModelFileError, read_model, write_model
from services.support.suggestions.adapters.model_suggester import ModelSuggester
from shared.vocabulary.tickets import Desk

DESKS = load_catalogue(DATA / "catalogue.csv").desks
EVALUATION = Path(__file__).parents[2] / "eval" / "tickets.csv"


@pytest.fixture(scope="module")
def file(model: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "new" / "model.npz"
    write_model(path, model)
    return path


def test_a_loaded_model_gives_exactly_the_guesses_of_the_one_that_was_trained(
    model: TrainedModel, file: Path
) -> None:
    loaded = read_model(file, DESKS)

    for each in read_examples(EVALUATION):
        asked = (each.title, each.description)
        assert loaded.estimate_odds(*asked) == model.estimate_odds(*asked)
        assert loaded.suggest(*asked) == model.suggest(*asked)


async def test_who_is_given_a_model_reads_by_it_and_trains_no_more(
    model: TrainedModel, file: Path
) -> None:
    learner = ModelSuggester(Path("no-examples"), DESKS, read_model(file, DESKS))

    await learner.prepare()

    assert await learner.suggest("facture impayée", "") == model.suggest("facture impayée", "")


def test_the_same_model_is_written_alike_and_nothing_is_left_beside_it(
    model: TrainedModel, file: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.npz"
    write_model(again, read_model(file, DESKS))
    write_model(tmp_path / "model.npz", model)

    assert again.read_bytes() == file.read_bytes() == (tmp_path / "model.npz").read_bytes()
    assert [each.name for each in sorted(tmp_path.iterdir())] == ["again.npz", "model.npz"]


def test_a_model_of_two_sub_categories_is_kept_too(tmp_path: Path) -> None:
    desks = {"DEPOT": Desk.TECHNIQUE, "M_PAIEMENT": Desk.METIER}
    known = [each for each in read_examples(DATA / "exemples") if each.sub_category in desks]
    model = train_model(known, desks)
    write_model(tmp_path / "m", model)

    assert read_model(tmp_path / "m", desks).estimate_odds("dépôt", "") == model.estimate_odds(
        "dépôt", ""
    )


@pytest.mark.parametrize(
    "desks",
    [
        {**DESKS, "MOBILE": Desk.TECHNIQUE},
        {code: desk for code, desk in DESKS.items() if code != "DEPOT"},
        {**DESKS, "DEPOT": Desk.METIER},
    ],
    ids=["one more", "one less", "another desk"],
)
def test_a_model_of_another_catalogue_is_refused(file: Path, desks: dict[str, Desk]) -> None:
    differing = {"MOBILE"} if "MOBILE" in desks else {"DEPOT"}

    with pytest.raises(ModelFileError, match=f"another catalogue.*{differing.pop()}"):
        read_model(file, desks)


def _changed(file: Path, to: Path, **changes: object) -> Path:
    with np.load(file) as arrays:
        kept = dict(arrays)
    header = json.loads(kept["header"].tobytes()) | changes
    kept["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with to.open("wb") as out:
        np.savez(out, **kept)
    return to


def test_a_model_of_another_format_or_that_reads_otherwise_is_refused(
    file: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelFileError, match="format aiguillage-support-model/0"):
        read_model(_changed(file, tmp_path / "f", format="aiguillage-support-model/0"), DESKS)
    with pytest.raises(ModelFileError, match="reads texts otherwise"):
        read_model(_changed(file, tmp_path / "p", probes=[[1 / 23] * 23] * 2), DESKS)
    with pytest.raises(ModelFileError, match="no model of this version"):
        read_model(_changed(file, tmp_path / "t", terms={"words": ["a"], "pieces": ["b"]}), DESKS)


def test_what_is_no_model_is_refused_and_never_unpickled(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    for name, written in {
        "empty": b"",
        "text": b"not a model",
        "cut": whole[: len(whole) // 2],
        "rotten": whole[:90_000] + bytes([whole[90_000] ^ 1]) + whole[90_001:],
        "pickle": pickle.dumps({"header": "x"}),
    }.items():
        path = tmp_path / name
        path.write_bytes(written)
        with pytest.raises(ModelFileError, match=name):
            read_model(path, DESKS)
    with pytest.raises(ModelFileError, match="missing"):
        read_model(tmp_path / "missing", DESKS)
    with (tmp_path / "objects").open("wb") as out:
        np.savez(out, header=np.array([object()]))
    with pytest.raises(ModelFileError, match="allow_pickle=False"):
        read_model(tmp_path / "objects", DESKS)


async def test_a_service_whose_model_is_refused_ends_with_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small = tmp_path / "small.npz"
    desks = {"DEPOT": Desk.TECHNIQUE, "API": Desk.TECHNIQUE}
    write_model(
        small, train_model([Example("DEPOT", "a b", "a"), Example("API", "a c", "a")], desks)
    )
    for name, value in {"KAFKA": "k:1", "MONGO": "mongodb://m", "MODEL": str(small)}.items():
        monkeypatch.setenv(f"AIGUILLAGE_{name}", value)

    with pytest.raises(SystemExit, match=r"support: model: .*small\.npz was trained for another"):
        build()
