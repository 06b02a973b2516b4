"""How `winback models` says what is known of the versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from winback.risk.keeping.promotions import Promotion

Row = dict[str, Any]
SHOWN = ("auc", "log_loss", "rule_auc", "average_precision", "brier", "calibration_slope", "top_decile_lift")


def event(row: Promotion) -> str:
    """One row of the history as a line."""
    what = "" if row.kind == "promoted" else f"{row.kind}: "
    who = f"{row.model.name} version {row.model.version}  {row.model.sha256[:12]}"
    return f"{row.at:%Y-%m-%d %H:%M} UTC  {who}  {what}{row.reason} ({row.approver})"


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
