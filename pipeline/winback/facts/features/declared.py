"""The declared features: which there are, and which of them the sources at hand can give."""

from __future__ import annotations

import importlib.resources
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from winback.errors import ConfigError
from winback.facts.features.declaring import quoted, refuse_conflicts, refuse_unknown_words, refuse_what_means_nothing
from winback.facts.features.feature import OF_TWO, Driver, Feature, Kind, Language, Words
from winback.toml_files import did_you_mean, parse, read_toml

__all__ = ["Driver", "Feature", "Kind", "Words", "available", "builtin", "declare", "expand", "in_language", "named"]


@cache
def builtin() -> tuple[Feature, ...]:
    """Every feature that comes with winback, in its fixed order."""
    text = importlib.resources.files("winback.facts.features").joinpath("features.toml").read_text("utf-8")
    return declare(tomllib.loads(text)["feature"], "features.toml")


def own_features(files: Sequence[str], base: Path) -> tuple[Feature, ...]:
    """The features that a project's own files (relative to `base`) declare, each after those before it."""
    found: tuple[Feature, ...] = ()
    for name in files:
        found += declare(_entries(base / name), str(base / name), (*builtin(), *found))
    return found


def _entries(path: Path) -> list[dict[str, Any]]:
    """The entries of a file that holds features and nothing else."""
    values = read_toml(path)
    entries = values.pop("feature", None)
    if values:
        key = next(iter(values))
        raise ConfigError(f"{path} cannot be used:\n  {key}: unknown key.{did_you_mean(key, ['feature'])}")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(f"{path} declares no feature. Each one starts with a line [[feature]].")
    return entries


def declare(entries: Sequence[dict[str, Any]], where: str, known: Sequence[Feature] = ()) -> tuple[Feature, ...]:
    """The features that the entries of one file declare; `known` are those declared before it.

    A ratio or difference holds the two features it is made of in `inputs`.
    """
    features = tuple(feature for entry in entries for feature in expand(entry))
    refuse_conflicts(features, known, where)
    every = {f.name: f for f in (*known, *features)}
    return tuple(replace(f, inputs=(every[f.over], every[f.under])) if f.over else f for f in features)


def expand(entry: dict[str, Any]) -> list[Feature]:
    """The features one entry declares: one a window, lag and `n`, or one."""
    entry = dict(entry)
    place = f"feature {entry.get('name')!r}"
    refuse_unknown_words(entry, place)
    windows = entry.pop("windows", [entry.pop("window", None)])
    ns, lags = _listed(entry.pop("n", 1)), _listed(entry.pop("lag", 0))
    plain = parse(Feature, entry, place)
    made = [_written_out(plain, window, n, lag) for window in windows for n in ns for lag in lags]
    for feature in made:
        refuse_what_means_nothing(feature)
    return made


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _written_out(feature: Feature, window: int | None, n: int, lag: int) -> Feature:
    """The feature for one window, n and lag, which its name and words name in braces."""
    numbers = {"n": n, "lag": lag} | ({"w": window} if window is not None else {})

    def fill(text: str) -> str:
        for brace, number in numbers.items():
            text = text.replace(f"{{{brace}}}", str(number))
        return text

    def filled(words: Words | None) -> Words | None:
        return words and Words(fill(words.label), fill(words.sentence), fill(words.plain))

    texts: dict[str, Any] = {key: fill(getattr(feature, key)) for key in ("name", "label", "sentence", "plain")}
    texts |= {"over": fill(feature.over), "under": fill(feature.under)}
    texts |= {"ru": filled(feature.ru), "zh": filled(feature.zh)}
    # A ratio or difference only takes the names of windows: what it is made of has them.
    return replace(feature, **texts, window=None if feature.kind in OF_TWO else window, n=n, lag=lag)


def available(
    sources: Collection[str], own: Sequence[Feature] = (), use: Literal["risk", "decisions"] = "risk"
) -> tuple[Feature, ...]:
    """The features whose tables and columns are at hand, e.g. {"orders", "orders.discount"}.

    `own` are features declared by the project. Those for decisions only are left out unless asked for.
    """
    return tuple(f for f in (*builtin(), *own) if f.use in ("risk", use) and f.sources <= set(sources))


def named(names: Collection[str], own: Sequence[Feature] = ()) -> tuple[Feature, ...]:
    """The features of these names, in the declared order."""
    features = (*builtin(), *own)
    if unknown := sorted(set(names) - {f.name for f in features}):
        raise ConfigError(f"no feature is declared as {unknown[0]!r}; `winback features` lists them all.")
    return tuple(f for f in features if f.name in names)


def in_language(features: Sequence[Feature], language: Language) -> tuple[Feature, ...]:
    """The features with the words of one language; English where a feature has none of it."""
    return tuple(_said(f, None if language == "en" else getattr(f, language)) for f in features)


def _said(feature: Feature, words: Words | None) -> Feature:
    if words is None:
        return feature
    return replace(feature, label=words.label, sentence=words.sentence, plain=words.plain)


def quoted_by(features: Sequence[Feature]) -> set[str]:
    """The names of other features that the sentences of these quote."""
    return {name for f in features for name in quoted(f.sentence)} - {"value"}
