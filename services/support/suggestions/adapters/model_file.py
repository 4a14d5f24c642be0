"""File of a trained model: plain arrays and JSON in a zip, which nothing has to unpickle."""

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.support.suggestions.adapters.model import TrainedModel, build_pipeline
from shared.vocabulary.tickets import Desk

FORMAT = "aiguillage-support-model/1"
_PROBES = (
    ("Mot de passe oublié", "Je n'arrive plus à me connecter, d'où ma question.\nCordialement\nA."),
    ("FACTURE impayée n° 12", "2 mois de retard ; délai de paiement dépassé"),
)
"""Texts whose probabilities are stored in the file, and compared when it is loaded."""
_TOLERANCE = 1e-9
"""Rounding difference allowed between processors."""
_FAULTS = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


class ModelFileError(ValueError):
    """A file that holds no model of this version and catalogue; the message names it."""


def write_model(path: Path, model: TrainedModel) -> None:
    """Write a model; the same model gives the same bytes. Raises OSError."""
    features, fitted = dict(model.pipeline["features"].transformer_list), model.pipeline["model"]
    header = {
        "format": FORMAT,
        "desks": model.desks,
        "classes": model.classes,
        # In the order of the model's columns.
        "terms": {name: each.get_feature_names_out().tolist() for name, each in features.items()},
        "probes": [[*model.estimate_odds(*each).values()] for each in _PROBES],
    }
    arrays = {f"idf_{name}": each.idf_ for name, each in features.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    with beside.open("wb") as file:
        np.savez_compressed(
            file,
            header=np.frombuffer(json.dumps(header).encode(), np.uint8),
            coef=fitted.coef_,
            intercept=fitted.intercept_,
            **arrays,
        )
    beside.replace(path)


def read_model(path: Path, desks: Mapping[str, Desk]) -> TrainedModel:
    """Load a model for a catalogue whose sub-categories have these desks. Raises ModelFileError."""
    try:
        with np.load(path, allow_pickle=False) as file:
            header = json.loads(file["header"].tobytes())
            fault = _find_fault(header, desks)
            if not fault:
                model = _restore(header, file, desks)
                probed = [[*model.estimate_odds(*each).values()] for each in _PROBES]
                if not np.allclose(probed, header["probes"], rtol=0, atol=_TOLERANCE):
                    fault = "reads texts otherwise than it was trained to: train again"
    except _FAULTS as error:
        raise ModelFileError(f"{path} is no model of this version: {error!r}") from error
    if fault:
        raise ModelFileError(f"{path} {fault}")
    return model


def _find_fault(header: Mapping[str, Any], desks: Mapping[str, Desk]) -> str | None:
    """Find why a file cannot be used; None when it can."""
    if header["format"] != FORMAT:
        return f"is of the format {header['format']}, not {FORMAT}: train again"
    if differing := dict(header["desks"].items() ^ desks.items()):
        named = ", ".join(sorted(differing))
        return f"was trained for another catalogue, which differs in {named}: train again"
    return None


def _restore(
    header: Mapping[str, Any],
    arrays: Mapping[str, NDArray[np.float64]],
    desks: Mapping[str, Desk],
) -> TrainedModel:
    pipeline = build_pipeline()
    for name, vectorizer in pipeline["features"].transformer_list:
        terms = header["terms"][name]
        vectorizer.set_params(vocabulary={term: column for column, term in enumerate(terms)})
        vectorizer.idf_ = arrays[f"idf_{name}"]
    model = pipeline["model"]
    model.classes_ = np.array(header["classes"])
    model.coef_, model.intercept_ = arrays["coef"], arrays["intercept"]
    return TrainedModel(pipeline, desks)
