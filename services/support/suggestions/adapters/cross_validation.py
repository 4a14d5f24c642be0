"""Cross-validation of the model on its examples, which estimates how good it is."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from services.support.suggestions.adapters.examples import Example
from services.support.suggestions.adapters.model import build_pipeline
from shared.vocabulary.tickets import Desk

_FOLDS = 5
_SEED = 20
_THREE = 3


def cross_validate(
    examples: Sequence[Example], desks: Mapping[str, Desk]
) -> Mapping[str, float] | None:
    """Cross-validate the model: shares of right answers, from 0 to 1, by what is asked.

    None when a sub-category has a single example.
    """
    truth = [each.sub_category for each in examples]
    folds = min(_FOLDS, *Counter(truth).values())
    if folds < 2:  # noqa: PLR2004 - one to learn from, one to ask
        return None
    odds = cross_val_predict(
        build_pipeline(),
        [each.text for each in examples],
        truth,
        cv=StratifiedKFold(folds, shuffle=True, random_state=_SEED),
        method="predict_proba",
    )
    classes = sorted(set(truth))
    columns = np.array([classes.index(each) for each in truth])
    likeliest = np.argsort(odds, axis=1)[:, ::-1]
    of_metier = np.array([desks[each] is Desk.METIER for each in classes])
    is_metier = odds[:, of_metier].sum(axis=1) >= 1 / 2
    return {
        "sub-category first": float((likeliest[:, 0] == columns).mean()),
        "sub-category in the first three": float(
            (likeliest[:, :_THREE] == columns[:, None]).any(axis=1).mean()
        ),
        "technical against business": float((is_metier == of_metier[columns]).mean()),
    }
