"""For the marketer: who, why and what to do, and whom another threshold would catch and disturb."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from winback.insight.report.drawn import Axes, Line, picture
from winback.insight.report.held import Beside, Held
from winback.insight.report.hiding import LEAST, told_groups
from winback.insight.report.marks import bar, block, joined, said, section, table
from winback.insight.report.words import Words

MOST_BYTES, ROW_BYTES = 2_400_000, 40  # of the customers in the page, and of one beside its id
MOST_SENTENCES, MOST_REASONS = 3_000, 3
LEFT_ALONE = "leave_alone"


def marketer(run: Held, beside: Beside, words: Words, customers: bool = True) -> Markup:
    """The marketer's section; without `customers` it names nobody."""
    return section(
        "marketer",
        words["marketer"],
        _threshold(run, beside, words),
        _actions(run, beside, words),
        _people(run, words) if customers else block(words["people"], said(words["without"])),
        _alone(run, words),
        _movements(beside.movements, words),
        _budget(run, beside.budgets, words),
    )


def _threshold(run: Held, beside: Beside, words: Words) -> Markup:
    """The slider, with what each threshold caught and disturbed on past dates."""
    known = run.card.get("examination", {}).get("thresholds", [])
    if not known:
        return Markup("")
    lines = [
        Line(words["caught_line"], [(t["threshold"], t["caught"]["value"]) for t in known], "a"),
        Line(words["disturbed_line"], [(t["threshold"], t["disturbed"]["value"]) for t in known], "b"),
    ]
    axes = Axes(words["threshold"], words["chance"], "")
    limit = beside.threshold
    if limit is None:
        limit = float(run.frames["scores"]["probability"][run.frames["scores"]["at_risk"]].min())
    shape = Markup(
        '<p><label for="threshold">{}</label> <output id="threshold-told" for="threshold"></output></p>'
        '<input type="range" id="threshold" min="1" max="99" step="1" value="{}">'
        '<p class="told" role="status" id="threshold-means"></p>'
    )
    percent = min(99, max(1, round(100 * limit))) if limit == limit else 50  # noqa: PLR0124 - nan
    slider = shape.format(words["threshold_label"], percent)
    scores = run.frames["scores"]
    below = int((scores["at_risk"] & (scores["probability"] < percent / 100)).sum())
    note = said(words["stay_below"].format(n=words.number(below))) if below >= LEAST else Markup("")
    return block(words["threshold"], slider, picture(axes, lines, words, "threshold-picture"), note)


def _people(run: Held, words: Words) -> Markup:
    """The table's frame, which the page's script fills."""
    heads = ("customer", "chance", "stage", "why", "what", "stake", "gain")
    button = Markup('<th scope="col" aria-sort="none"><button type="button" data-column="{}">{}</button></th>')
    top = joined(button.format(place, words[head]) for place, head in enumerate(heads))
    left_out = len(run.frames["scores"]) - len(_fitting(run.frames["scores"]))
    note = said(words["left_out"].format(n=words.number(left_out))) if left_out > 0 else Markup("")
    shape = Markup(
        '<p><label for="search">{}</label> <input type="search" id="search" autocomplete="off"> '
        '<output id="found" role="status"></output></p><div class="wide" tabindex="0" role="region" aria-label="{}">'
        '<table id="people" class="full text"><caption>{}</caption><thead><tr>{}</tr></thead>'
        "<tbody></tbody></table></div>"
        '<p class="pages"><button type="button" id="back">{}</button> <span id="at-page"></span> '
        '<button type="button" id="on">{}</button></p>{}'
    )
    title = words["people"]
    return block(title, shape.format(words["search"], title, title, top, words["previous"], words["next"], note))


def people(run: Held, beside: Beside, words: Words, customers: bool = True) -> dict[str, Any]:
    """What the page's script reads: the customers by column, the likeliest to leave first, and counts by threshold.

    `rows` are columns: id, chance in thousandths, stage, first drivers, sentence, what is done, at stake, net gain;
    words stand once in `stages`, `drivers` and `deeds`. `above`: how many of all have at least each percent.
    """
    chance = run.frames["scores"]["probability"].to_numpy()
    above = [int((chance * 1000 + 1e-9 >= 10 * percent).sum()) for percent in range(101)]
    thresholds = [
        {
            "at": t["threshold"],
            **{part: [t[part][k] for k in ("value", "low", "high")] for part in ("caught", "disturbed")},
        }
        for t in run.card.get("examination", {}).get("thresholds", [])
    ]
    told = {"above": above, "thresholds": thresholds, "rows": {}}
    return told | (_rows(run, _fitting(run.frames["scores"]), beside.names, words) if customers else {})


def _range(figure: Mapping[str, float]) -> list[float]:
    """A figure with the ends of its interval, which are the figure itself where there is none."""
    return [figure["value"] if figure[end] is None else figure[end] for end in ("value", "low", "high")]


def _fitting(scores: pd.DataFrame) -> pd.DataFrame:
    """As many customers as the page has room for, the likeliest to leave first."""
    ordered = scores.sort_values(["probability", "customer_id"], ascending=[False, True])
    sizes = np.array([len(json.dumps(str(each))) for each in ordered["customer_id"]]) + ROW_BYTES
    return ordered.head(int(np.searchsorted(np.cumsum(sizes), MOST_BYTES, side="right")))


def _rows(run: Held, scores: pd.DataFrame, names: Mapping[str, str], words: Words) -> dict[str, Any]:
    decisions = scores[["customer_id"]].merge(
        run.frames["decisions"], how="left", on="customer_id", validate="one_to_one"
    )
    deeds, deed = np.unique(_deeds(decisions, names, words), return_inverse=True)
    stages, stage = np.unique([words.named("stages", str(s)) for s in scores["stage"]], return_inverse=True)
    drivers, why, sentence = _reasons(run.frames["reasons"], scores["customer_id"], words)
    rows = {
        "id": [str(customer) for customer in scores["customer_id"]],
        "chance": np.floor(scores["probability"].to_numpy() * 1000 + 1e-9).astype(int).tolist(),
        "stage": stage.tolist(),
        "why": why,
        "said": sentence,
        "deed": deed.tolist(),
        "stake": [round(m, 1) for m in decisions["margin_at_stake"].fillna(0.0).tolist()],
        "gain": [round(m, 2) for m in decisions["expected_net_gain"].fillna(0.0).tolist()],
    }
    return {"rows": rows, "deeds": deeds.tolist(), "stages": stages.tolist(), "drivers": drivers}


def _deeds(decisions: pd.DataFrame, names: Mapping[str, str], words: Words) -> list[str]:
    """What is done about each customer, in words."""
    alone = words["leave_alone"]
    both = zip(decisions["action"].fillna(LEFT_ALONE), decisions["cause"].fillna(""), strict=True)
    known = {pair: _deed(pair, names, words, alone) for pair in dict.fromkeys(both)}
    return [
        known[pair] for pair in zip(decisions["action"].fillna(LEFT_ALONE), decisions["cause"].fillna(""), strict=True)
    ]


def _deed(pair: tuple[str, str], names: Mapping[str, str], words: Words, alone: str) -> str:
    action, cause = pair
    if action != LEFT_ALONE:
        return str(names.get(action, action.replace("_", " ")))
    return f"{alone} ({words.named('causes', cause)})" if cause else alone


def _reasons(reasons: pd.DataFrame, customers: pd.Series, words: Words) -> tuple[list[str], list[list[int]], list[str]]:
    """The drivers in words; of each customer those that raise his chance as the list tells them, and a sentence."""
    row = pd.Series(range(len(customers)), index=customers.to_numpy())
    rows = reasons[reasons["customer_id"].isin(row.index) & (reasons["driver"] != "rest") & (reasons["points"] > 0)]
    rows = rows.assign(row=row.reindex(rows["customer_id"]).to_numpy())
    rows = rows.sort_values(["row", "place"], kind="stable")
    rows = rows[rows.groupby("row").cumcount() < MOST_REASONS]
    known = sorted(rows["driver"].unique())
    number = {driver: n for n, driver in enumerate(known)}
    why: list[list[int]] = [[] for _ in range(len(customers))]
    for at, driver in zip(rows["row"], rows["driver"], strict=True):
        why[int(at)].append(number[driver])
    told = rows.drop_duplicates("row")
    told = told[told["sentence"].notna() & (told["row"] < MOST_SENTENCES)]
    sentence = [""] * len(customers)
    for at, text in zip(told["row"], told["sentence"], strict=True):
        sentence[int(at)] = words.text(str(text))
    return [words.named("causing", str(driver)) for driver in known], why, sentence


def as_script(told: Mapping[str, Any]) -> Markup:
    """Values as JSON in a script element; nothing in them can end it."""
    text = json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup('<script type="application/json" id="told">') + Markup(text) + Markup("</script>")  # noqa: S704 - escaped above


def _actions(run: Held, beside: Beside, words: Words) -> Markup:
    """Actions with customers, cost and gain; those for few are hidden."""
    entries = run.summary["actions"]
    counts = told_groups({entry["action"]: entry["customers"] for entry in entries})
    most = max((count for count in counts.values() if count), default=1)
    rows = []
    for entry in entries:
        name, count = beside.names.get(entry["action"], str(entry["name"])), counts[entry["action"]]
        if count is None:
            rows.append([name, words["hidden"], "", ""])
            continue
        money = (words.money(entry["expected_cost"]), words.money(entry["expected_net_gain"]))
        rows.append([name, bar(count / most, words.number(count)), *money])
    heads = [words["action"], words["customers"], words["cost"], words["gain"]]
    return block(words["actions"], table(heads, rows, words["actions"]), said(words["hidden_note"].format(k=LEAST)))


def _alone(run: Held, words: Words) -> Markup:
    counts = told_groups(dict(run.summary["left_alone"]))
    if not counts:
        return Markup("")
    rows = [[words.named("causes", c), words["hidden"] if n is None else words.number(n)] for c, n in counts.items()]
    return block(words["alone"], table([words["cause"], words["customers"]], rows, words["alone"]))


def _movements(moves: Mapping[str, Any] | None, words: Words) -> Markup:
    if moves is None:
        return block(words["movements"], said(words["no_before"]))
    counts = told_groups({name: moves[name] for name in ("entered", "stayed", "left")})
    rows = [[words[name], words["hidden"] if n is None else words.number(n)] for name, n in counts.items()]
    before = said(words["list_before"].format(date=moves["date"]))
    return block(words["movements"], before, table(["", words["customers"]], rows, words["movements"]))


def _budget(run: Held, budgets: pd.DataFrame | None, words: Words) -> Markup:
    """What each budget is expected to bring, where it was worked out, and where this list stands."""
    if budgets is None or budgets.empty:
        return Markup("")
    points = [(float(b), float(g)) for b, g in zip(budgets["budget"], budgets["net_gain"], strict=True)]
    now = (float(run.summary["expected_cost"]), float(run.summary["expected_net_gain"]))
    most = (max(x for x, _ in [*points, now]), max(y for _, y in [*points, now]))
    cost, gain = (f"{words[name]}, {words.currency}" for name in ("cost", "gain"))
    axes = Axes(words["budget"], cost, gain, most, shares=False)
    lines = [Line(words["budget_line"], points), Line(words["this_list"], [now], "mark")]
    return block(words["budget"], picture(axes, lines, words), said(words["budget_note"]))
