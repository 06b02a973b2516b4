"""Every line of the gate changed, one at a time: each change must be noticed by some history."""

from __future__ import annotations

import ast
import copy
import importlib
import itertools
import sys
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import winback.consent
from test_consent_histories import AS_OF, CHANNEL_WORDS, PURPOSE_WORDS, SETTINGS, STATUSES, day, may
from winback.consent import words
from winback.consent.permissions import COLUMNS
from winback.consent.words import CHANNELS
from winback.limits import Consent

GATE = ("words", "merged_ids", "permissions", "changes")
ODD_WORDS = (
    *words._CHANNEL_WORDS, *words._VAGUE_CHANNELS, *sorted(words.ANY), "Web Push", "\uff45mail", "e\u200bmail",
)  # fmt: skip
ODD_PURPOSES = (*words._PURPOSE_WORDS, *sorted(words._SERVICE), "Ad Personalisation", "newsletter", None)
_SWAPPED = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
}  # fmt: skip


def changes_of(node: ast.AST) -> Iterator[ast.AST]:
    """What one node may be changed into."""
    if isinstance(node, ast.Compare):
        for n, operator in enumerate(node.ops):
            changed = copy.deepcopy(node)
            changed.ops[n] = _SWAPPED[type(operator)]()
            yield changed
    elif isinstance(node, ast.BoolOp | ast.BinOp) and type(node.op) in _SWAPPED:
        changed = copy.deepcopy(node)
        changed.op = _SWAPPED[type(node.op)]()
        yield changed
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.If):
        for other in (ast.Constant(True), ast.Constant(False)):
            yield ast.If(other, node.body, node.orelse)
    elif (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)) or isinstance(node, ast.AugAssign):
        yield ast.Pass()
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield ast.Constant(node.value + "~")


def untouched(tree: ast.Module) -> set[int]:
    """Nodes that say nothing to the machine, or nothing about anybody: annotations, decorators, what errors tell."""
    left: set[int] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            parts = [node.returns, *(a.annotation for a in given), *node.decorator_list]
        elif isinstance(node, ast.ClassDef):
            parts = [*node.decorator_list]
        elif isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.Raise | ast.ImportFrom):
            parts = [node]
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            parts = [node]  # a docstring
        elif (isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("Flags", "Meaning")) or (
            isinstance(node, ast.keyword) and node.arg == "strict"
        ):
            parts = [node.value]
        left |= {id(each) for part in parts if part is not None for each in ast.walk(part)}
    return left


def mutants(name: str) -> Iterator[tuple[str, ast.Module]]:
    """Each changed tree of a module, with its line and what was changed."""
    source = Path(importlib.import_module(f"winback.consent.{name}").__file__ or "").read_text("utf-8")
    tree = ast.parse(source)
    places = [node for node in ast.walk(tree) if id(node) not in untouched(tree)]
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in {id(each) for each in places}:
            for changed in changes_of(node):
                whole = ast.parse(source)
                old = next(itertools.islice(ast.walk(whole), number, None))
                text = ast.unparse(ast.fix_missing_locations(_Put(old, changed).visit(whole)))
                yield (
                    f"{name}:{getattr(node, 'lineno', 0)} {ast.unparse(node)!r} -> {ast.unparse(changed)!r}",
                    ast.parse(text),
                )


class _Put(ast.NodeTransformer):
    """Puts one node in the place of another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else super().visit(node)


def loaded(name: str, tree: ast.Module) -> dict[str, types.ModuleType]:
    """The modules of the gate with one of them changed; the true ones are in their places again afterwards."""
    names = [f"winback.consent.{each}" for each in GATE]
    kept = {each: sys.modules[each] for each in names}
    try:
        for each, full in zip(GATE, names, strict=True):
            source = Path(kept[full].__file__ or "").read_text("utf-8")
            module = types.ModuleType(full)
            sys.modules[full] = module
            setattr(winback.consent, each, module)
            exec(compile(tree if each == name else ast.parse(source), full, "exec"), module.__dict__)  # noqa: S102
        return {each: sys.modules[full] for each, full in zip(GATE, names, strict=True)}
    finally:
        for each, full in zip(GATE, names, strict=True):
            sys.modules[full] = kept[full]
            setattr(winback.consent, each, kept[full])


Battery = list[tuple[pd.DataFrame | None, pd.DataFrame | None, Consent, list[str], dict[str, str]]]


@cache
def battery() -> tuple[Battery, list[pd.DataFrame]]:
    """Inputs of the gate, and what the reference answers."""
    rng = np.random.default_rng(5)
    inputs, answers = [], []
    settings = {**SETTINGS, "ads": Consent(opt_out_channels=("ads",))}
    for number, asked in enumerate(settings.values()):
        said, stops = _histories(rng, 900 if number else 1_500)
        ids = list(said)
        wanted = pd.DataFrame(
            [may(frozenset(said[who]), frozenset(stops[who]), 0, asked) for who in ids],
            index=ids,
            columns=list(COLUMNS),
        )
        rows = [(who, *r[:3], day(r[3])) for who in ids for r in said[who]]
        halts = [(who, where, day(at)) for who in ids for where, at in stops[who]]
        names = ["customer_id", "channel", "purpose", "status", "recorded_at"]
        consents = pd.DataFrame(rows, columns=names, dtype="object").sample(frac=1, random_state=number)
        blocked = pd.DataFrame(halts, columns=["customer_id", "channel", "recorded_at"], dtype="object")
        aliases = dict(zip(ids[:40], [*ids[40:60], *ids[1:21]], strict=True)) if number == 1 else {}
        for group in _groups(aliases):
            wanted.loc[group] = wanted.loc[group].all(axis=0).to_numpy()
        inputs.append((consents, blocked, asked, ids, aliases))
        answers.append(wanted)
    return inputs, answers


def _groups(aliases: dict[str, str]) -> list[list[str]]:
    """The ids of one person, of each."""
    found: dict[str, set[str]] = {each: {each} for pair in aliases.items() for each in pair}
    for a, b in aliases.items():
        merged = found[a] | found[b]
        for each in merged:
            found[each] = merged
    return [sorted(group) for group in {id(g): g for g in found.values()}.values()]


def _histories(rng: np.random.Generator, count: int) -> tuple[dict[str, list], dict[str, list]]:
    said, stops = {}, {}
    for n in range(count):
        who = f"c{n:04}"
        days = [-60, -41, -40, -39, -2, -1, 0, 1]
        said[who] = [
            (
                str(rng.choice(CHANNEL_WORDS)),
                str(rng.choice(PURPOSE_WORDS)),
                str(rng.choice(STATUSES)),
                int(rng.choice(days)),
            )
            for _ in range(int(rng.integers(0, 5)))
        ]
        halted = [(str(rng.choice(CHANNEL_WORDS)), int(rng.integers(-2, 2)))]
        stops[who] = halted if rng.random() < 0.1 else []
    return said, stops


def odd_answers(gate: dict[str, types.ModuleType]) -> list[object]:
    """What a gate says where the reference has no words: odd spellings, no dates, edges, and lists made by it."""
    permissions, settings = gate["permissions"].permissions, Consent(max_age_days=40, ads_purposes=("marketing",))
    columns = ["customer_id", "channel", "purpose", "status", "recorded_at"]
    pairs = [(word, "marketing") for word in (*ODD_WORDS, None)] + [("any", word) for word in ODD_PURPOSES]
    rows: list[tuple] = [("first", "any", "any", "granted", day(-1))]
    for n, ((where, why), status) in enumerate(
        itertools.product(pairs, (None, "x", 5, "withdrawn", "Granted\n", "granted"))
    ):
        rows += [(f"a{n}", where, why, status, day(-1)), (f"b{n}", where, why, status, None)]
        rows += [(f"{who}{n}", "any", "any", "granted", day(-9)) for who in "bc"]
        rows += [(f"c{n}", where, why, status, day(-9)), (f"d{n}", where, why, status, day(-40))]
        rows += [(f"e{n}", where, why, status, day(-40) - pd.Timedelta(microseconds=1))]
    rows += [("f", "any", "any", "granted", f"2026-02-28T23:00:00{offset}") for offset in ("+03:00", "-03:00")]
    rows += [("g", "any", "any", "granted", "2026-02-28T23:00:00-03:00")]
    held = pd.DataFrame(rows, columns=columns, dtype="object")
    ids = held["customer_id"].unique()
    stops = [(who, word, None) for who, word in zip(ids[::3], itertools.cycle((*ODD_WORDS, None)))]
    blocked = pd.DataFrame(stops, columns=["customer_id", "channel", "recorded_at"], dtype="object")
    found: list[object] = [
        permissions(held, stopped, AS_OF, each, ids).to_numpy().tolist()
        for stopped, each in itertools.product(
            (None, blocked), (settings, Consent(), Consent(opt_out_channels=("ads",)))
        )
    ]
    found += [permissions(held.iloc[:0], None, AS_OF, Consent(), ["a", None, "a"]).to_numpy().tolist()]
    found += [permissions(None, None, AS_OF, Consent(kept_elsewhere=True), ["a"]).to_numpy().tolist()]
    meanings = [gate["words"].meaning_of_status(word) for word in ("granted", " Unknown", "x", None)]
    meanings += [gate["words"].plain(None), *gate["words"].PURPOSES]
    full = held.iloc[:2].assign(
        customer_id=["z", "a"], channel="any", purpose="any", status="granted", recorded_at=AS_OF
    )
    less, more = (permissions(rows, None, AS_OF, Consent(), ["z", "a"]) for rows in (full.iloc[:0], full))
    found += [meanings, less.to_numpy().tolist(), list(more.columns), [str(kind) for kind in more.dtypes]]
    try:
        permissions(full, None, AS_OF.replace(tzinfo=None), Consent(), [])
    except ValueError:
        found.append("refused")
    return found + _lists(gate["changes"], less, more)


def _lists(changes: types.ModuleType, less: pd.DataFrame, more: pd.DataFrame) -> list[object]:
    told = list(itertools.product(("a", "z", "q"), ("gift", "leave_alone"), (*CHANNELS, "profile", "", None)))
    rows = pd.DataFrame(told, columns=["customer_id", "action", "channel"], dtype="object")
    half = more.assign(may_sms=False, may_profile=[False, True])
    stands = [changes.still_permitted(rows, frame).tolist() for frame in (less, more, half, more.iloc[:1])]
    pairs = ((more, half), (half, more), (more, half.iloc[1:]))
    moved = [[list(found.columns), *found.to_numpy().tolist()] for found in (changes.changed_since(*p) for p in pairs)]
    lists = [changes.movements(*pair) for pair in ((["b", "a"], ["c", "a", "0"]), ((), ()))]
    twins = more.assign(customer_id=["z", "z "])
    told = [changes.digest(frame) for frame in (less, more, half, twins, half.iloc[::-1])]
    return [stands, moved, lists, told]


def survives(
    gate: dict[str, types.ModuleType], inputs: Battery, answers: list[pd.DataFrame], odd: list[object]
) -> bool:
    """Whether nothing tells a gate from the true one."""
    for (consents, blocked, settings, ids, aliases), wanted in zip(inputs, answers, strict=True):
        frame = (
            gate["permissions"].permissions(consents, blocked, AS_OF, settings, ids, aliases).set_index("customer_id")
        )
        if not frame.equals(wanted.astype(bool).rename_axis("customer_id")):
            return False
    return odd_answers(gate) == odd


def killed(name: str, every: int) -> tuple[int, list[str]]:
    """How many mutants of a module were tried, and those that nobody noticed."""
    inputs, answers = battery()
    true = {each: importlib.import_module(f"winback.consent.{each}") for each in GATE}
    odd = odd_answers(true)
    assert survives(true, inputs, answers, odd)
    alive, tried = [], 0
    for told, tree in itertools.islice(mutants(name), 0, None, every):
        tried += 1
        try:
            if survives(loaded(name, tree), inputs, answers, odd):
                alive.append(told)
        except Exception:  # noqa: BLE001, S110 - a gate that breaks lists nobody
            pass
    return tried, alive


@pytest.mark.parametrize("name", GATE)
def test_some_mutants_are_noticed(name: str):
    tried, alive = killed(name, 50)
    assert tried > 0
    assert alive == []


@pytest.mark.deep
@pytest.mark.parametrize("name", GATE)
def test_every_mutant_is_noticed(name: str):
    tried, alive = killed(name, 1)
    assert tried >= 2
    assert alive == []
