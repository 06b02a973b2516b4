"""What `winback models` reads of the versions, and how it says it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from winback import runs, store
from winback.errors import ModelRefused
from winback.risk import promotions, registry
from winback.risk.promotions import Promotion, Version

Row = dict[str, Any]
SHOWN = ("auc", "log_loss", "rule_auc", "average_precision", "brier", "calibration_slope", "top_decile_lift")


def row_of(row: Promotion) -> Row:
    """One row of the history as plain values."""
    told = {"at": row.at.isoformat(), "kind": row.kind, "version": row.model.version, "sha256": row.model.sha256}
    return {**told, "reason": row.reason, "approver": row.approver, "previous": row.previous}


def event(row: Promotion) -> str:
    """One row of the history as a line."""
    what = "" if row.kind == "promoted" else f"{row.kind}: "
    who = f"{row.model.name} version {row.model.version}  {row.model.sha256[:12]}"
    return f"{row.at:%Y-%m-%d %H:%M} UTC  {who}  {what}{row.reason} ({row.approver})"


def version_rows(state: Path, name: str) -> list[Row]:
    """One row a registered version, newest first: rank, gates, and the means of its figures over its hold-outs."""
    rows = promotions.history(state, name)
    reigns, challenger = promotions.reigns(rows), promotions.challenger(rows)
    ranks = {reigns[-1].model.version: "champion"} if reigns else {}
    ranks |= {challenger.version: "challenger"} if challenger else {}
    return [_version_row(state, version, ranks.get(version.version)) for version in registry.versions(state, name)]


def _version_row(state: Path, version: Version, rank: str | None) -> Row:
    card, gates = _read(state, version, "card.json"), _read(state, version, "gates.json")
    told = {"version": version.version, "rank": rank, "sha256": version.sha256, "trained_for": card.get("today")}
    passed = gates.get("passed")
    return {**told, "gates": None if passed is None else "passed" if passed else "refused", **_means(card)}


def _read(state: Path, version: Version, file: str) -> Row:
    text = registry.artifact(state, version, file)
    return {} if text is None else dict(json.loads(text))


def _means(card: Row) -> Row:
    """The plain means over the held-out cutoffs."""
    figures = card.get("quality", [])
    found = {key: [q[key] for q in figures if isinstance(q.get(key), int | float)] for key in SHOWN}
    return {key: sum(values) / len(values) if values else None for key, values in found.items()}


def listed(name: str, rows: Sequence[Row]) -> str:
    """The versions as a table of text."""
    if not rows:
        return f"No version of {name} is registered yet; `winback run` trains one."
    heads = ("version", "rank", "gates", "trained for", "AUC", "rule AUC", "log loss", "slope", "file")
    lines = [
        (
            str(row["version"]),
            row["rank"] or "",
            row["gates"] or "not examined",
            row["trained_for"] or "",
            *(_number(row[key]) for key in ("auc", "rule_auc", "log_loss", "calibration_slope")),
            row["sha256"][:12],
        )
        for row in rows
    ]
    return _table([heads, *lines])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _table(lines: Sequence[Sequence[str]]) -> str:
    """Rows of words in columns."""
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def comparison(state: Path, name: str, numbers: Sequence[int], runs_folder: Path) -> Row:
    """Two versions: the figures of each, the interval of their examination on the same rows, shadow scores."""
    rows = promotions.history(state, name)
    if not numbers:
        reigns, challenger = promotions.reigns(rows), promotions.challenger(rows)
        if not (reigns and challenger):
            raise ModelRefused(f"{name} has no {'challenger' if reigns else 'champion'} to compare; name two versions.")
        numbers = reigns[-1].model.version, challenger.version
    one, other = (registry.version_of(state, name, number) for number in numbers)
    return {
        "name": name,
        "versions": [_version_row(state, version, None) for version in (one, other)],
        "same_rows": _paired(state, one, other),
        "shadow": _shadow(runs_folder, {one.version, other.version}),
    }


def _paired(state: Path, one: Version, other: Version) -> Row | None:
    """The comparison that was recorded when the one was examined against the other: candidate minus champion."""
    for candidate, champion in ((other, one), (one, other)):
        found = _read(state, candidate, "gates.json").get("champion")
        if found and found["version"] == champion.version:
            return {"candidate": candidate.version, "champion": champion.version, **found}
    return None


def _shadow(folder: Path, numbers: set[int]) -> Row | None:
    """What the published run's step says of champion and challenger, if these are the two."""
    current = runs.current(folder)
    if current is None or not (current / "steps" / "shadow.json").is_file():
        return None
    champion = store.read_json(current / "model.json")["version"]
    told = store.read_json(current / "steps" / "shadow.json")["result"]
    if {champion, told["version"]} != numbers:
        return None
    return {"run_id": current.name, "champion": champion, "challenger": told["version"], **told}


def compared(told: Row) -> str:
    """A comparison in words."""
    one, other = told["versions"]
    head = ("mean over its own hold-outs", f"version {one['version']}", f"version {other['version']}")
    lines = [(key, _number(one[key]), _number(other[key])) for key in SHOWN]
    return "\n\n".join([_table([head, *lines]), _paired_words(told["same_rows"]), _shadow_words(told["shadow"])])


def _paired_words(found: Row | None) -> str:
    if found is None:
        return "They were never examined on the same rows."
    figures = "; ".join(
        f"{name} {found[key]:+.4f} (95 %: {found[key + '_low']:+.4f} to {found[key + '_high']:+.4f})"
        for key, name in (("auc", "AUC"), ("log_loss", "log loss"))
    )
    return (
        f"On the same {found['rows']:,} held-out rows of {found['customers']:,} customers, version "
        f"{found['candidate']} minus version {found['champion']} ({found['by']}): {figures}."
    )


def _shadow_words(found: Row | None) -> str:
    if found is None:
        return "The published run holds no shadow scores of the two."
    if found["fault"]:
        return f"In run {found['run_id']} version {found['challenger']} could not be scored: {found['fault']}"
    off, differ = f"{found['mean_difference']:+.4f}", f"{found['flags_differ']:.1%}"
    return (
        f"In run {found['run_id']}, {found['customers']:,} customers: rank correlation "
        f"{_number(found['rank_correlation'])}; the mean chance of version {found['challenger']} is {off} from that of "
        f"version {found['champion']}; {differ} are at risk by one of them only."
    )


def card_of(state: Path, name: str, number: int | None) -> Row:
    """All that was written down about a version; by default the champion."""
    rows = promotions.history(state, name)
    reigns = promotions.reigns(rows)
    if number is None and not reigns:
        raise ModelRefused(f"{name} has no champion yet; `winback run` trains one.")
    version = reigns[-1].model if number is None else registry.version_of(state, name, number)
    happened = [row_of(row) for row in rows if row.model == version]
    files = {file.removesuffix(".json"): _read(state, version, file) for file in ("card.json", "gates.json")}
    text = registry.artifact(state, version, "card.md")
    return {
        "name": name,
        "version": version.version,
        "sha256": version.sha256,
        "history": happened,
        **files,
        "text": text,
    }


def carded(told: Row) -> str:
    """A card in words: the written one where there is one, the gates' report, the history."""
    parts = [f"{told['name']} version {told['version']}  {told['sha256']}"]
    if told["text"]:
        parts.append(told["text"].rstrip())
    elif told["card"]:
        card = told["card"]
        parts.append(f"trained for {card['today']} on {card['rows']:,} rows of {len(card['fitted_on'])} cutoffs")
        parts.append("\n".join(_figures(q) for q in card["quality"]))
    parts.append("\n".join(_gate(gate) for gate in told["gates"].get("gates", [])) or "not examined")
    parts += [f"{row['at'][:16]} UTC  {row['kind']}: {row['reason']} ({row['approver']})" for row in told["history"]]
    return "\n\n".join(parts)


def _figures(quality: Row) -> str:
    figures = ", ".join(f"{key} {quality[key]:.3f}" for key in SHOWN if key in quality)
    return f"{quality['cutoff']}  {quality['customers']:,} customers: {figures}"


def _gate(gate: Row) -> str:
    answer = "passed" if gate["passed"] else "REFUSED"
    return f"{answer:<8} {gate['name']:<15} needed {gate['needed']}; found {gate['found']}" + (
        f"\n         {gate['refusal']}" if gate["refusal"] else ""
    )
