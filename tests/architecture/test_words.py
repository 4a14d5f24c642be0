"""Rule codes and words of the trade: each once, each explained."""

import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import services
import shared
import shared.vocabulary
from shared.circuit.motives import list_all_motives
from shared.vocabulary.rules import Rule

ROOT = Path(__file__).parents[2]
OWNERS = {
    "shared.circuit": "CIR",
    "services.deposit": "DEP",
    "services.notification": "NOT",
    "services.routing": "ROU",
    "services.organisation": "ORG",
    "services.portal": "POR",
    "services.support": "SUP",
}


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def rules() -> dict[int, tuple[Rule, str]]:
    """Give every rule with the first module that holds it; an import is not a second rule."""
    found: dict[int, tuple[Rule, str]] = {}
    for module in [*modules(shared), *modules(services)]:
        for each in vars(module).values():
            if isinstance(each, Rule):
                found.setdefault(id(each), (each, module.__name__))
    return found


def test_no_two_rules_share_a_code() -> None:
    count = Counter(rule.code for rule, _ in rules().values())

    assert len(count) > 30
    assert [code for code, times in count.items() if times > 1] == []


def test_every_rule_code_has_the_prefix_of_its_owner() -> None:
    strays = [
        f"{rule.code} in {module}"
        for rule, module in rules().values()
        if not re.fullmatch(r"[A-Z]{3}-[A-Z]+(-[A-Z]+)*-\d{2}", rule.code)
        or not any(
            module.startswith(owner) and rule.code.startswith(f"{prefix}-")
            for owner, prefix in OWNERS.items()
        )
    ]

    assert strays == []


def test_every_rule_says_what_is_wrong_what_to_do_and_where_it_comes_from() -> None:
    silent = [
        rule.code
        for rule, _ in rules().values()
        if not (rule.sentence.strip() and rule.remedy.strip() and rule.source.strip())
    ]

    assert silent == []


INFINITIVE = re.compile(
    r"(?:ne pas |ne rien |ne |n'|se |s'|la |le |les |l'|en )*(?:lui |y )?\w+(?:er|ir|re)\b",
    re.IGNORECASE,
)
IMPERATIVE = re.compile(
    r"(?<!vous )(?<!vous le )(?<!vous le lui )\b(?:(?!chez\b|assez\b)\w+ez|dites|faites)\b",
    re.IGNORECASE,
)


def remedies() -> list[tuple[str, str]]:
    """Return the remedy of every rule, and of every motive that blocks a refusal."""
    stated = [(rule.code, rule.remedy) for rule, _ in rules().values()]
    blocking = [(motive.code, motive.answer) for motive in list_all_motives() if motive.answer]
    return [(code, text) for code, text in stated if text != "{answer}"] + blocking


def test_every_remedy_is_in_the_infinitive() -> None:
    found = remedies()

    assert len(found) > 150
    assert [each for each in found if not INFINITIVE.match(each[1])] == []
    assert [each for each in found if IMPERATIVE.search(each[1])] == []


def test_every_word_of_the_vocabulary_is_in_the_glossary() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    classes = {
        name
        for module in modules(shared.vocabulary)
        for name, each in inspect.getmembers(module, inspect.isclass)
        if each.__module__ == module.__name__
    }

    assert len(classes) > 10
    assert sorted(name for name in classes if f"`{name}`" not in glossary) == []


def test_no_term_of_the_glossary_has_two_lines() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = Counter(
        term.strip()
        for line in glossary.splitlines()
        if line.startswith("| ") and not line.startswith(("| term |", "| --- "))
        for term in line.split("|")[1].split(",")
    )

    assert len(terms) > 100
    assert [term for term, lines in terms.items() if lines > 1] == []
