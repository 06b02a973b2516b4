"""What the features of a night must show before a list made of them is published.

A feature is refused where it is unlike the rows that the model learned from and, where there is one, unlike the
list before: what moved slowly, and what a person has published once, stops no night.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from winback.facts.check.findings import percent, some
from winback.facts.check.gates import Gate
from winback.limits import Publish
from winback.risk.watching.drift import SCORE, Floats, counts, places, sizes, stability_index, unlike
from winback.risk.watching.publish_scores import FEW, Scored

BY_LUCK = 1e-9  # the chance below which equal values of all customers are none
SILENT = 3  # times as long as any training cutoff, before a stream that is read less often is called silent
Kept = Mapping[str, Any]


def feature_gates(now: Scored, before: Scored | None, clocks: Collection[str], limits: Publish) -> Iterator[Gate]:
    """The gates over all features of the model; `clocks` are those that say how long ago a thing last happened.

    Clocks may jump overnight (a newsletter sets one back for everybody), so of them neither unit nor spread is asked.
    """
    if now.reference is None or len(now.features) < FEW:
        return
    kept = {name: column for name, column in now.reference["columns"].items() if name != SCORE}
    lost = sorted(name for name in kept if name not in now.features)
    yield _over("features there", "all", lost, "are not there")
    ours, theirs = _values(now, kept), _values(before, kept) if before is not None else {}
    used = [name for name in kept if name in ours]
    asked = (
        ("unknown values", f"share +- {percent(limits.max_missing_change)} (max_missing_change)", _missing),
        ("equal values", "no feature newly the same for all", _constant),
        ("units", f"sizes x or / {limits.max_unit_factor:g} (max_unit_factor)", _unit),
        ("spread", f"stability index up to {limits.max_feature_index:g} (max_feature_index)", _spread),
    )
    for name, needed, look in asked:
        able = [each for each in used if each not in clocks or look in (_missing, _constant)]
        found = [look(kept[each], ours[each], theirs.get(each), limits) for each in able]
        yield _over(name, needed, [f"{each} {said}" for each, said in zip(able, found, strict=True) if said], "fail")
    silent = [name for name in used if name in clocks and _silent(kept[name], ours[name], limits)]
    needed = f"a row in the last {limits.max_silence_days} days (max_silence_days)"
    yield _over("news", needed, [f"{name} {np.nanmin(ours[name]):.0f} or more for all" for name in silent], "are old")


def _values(run: Scored, kept: Mapping[str, Kept]) -> dict[str, Floats]:
    return {name: run.features[name].to_numpy(dtype=np.float64) for name in kept if name in run.features}


def _over(name: str, needed: str, faults: list[str], what: str) -> Gate:
    """One gate over many features."""
    refusal = f"features, {name}: {len(faults):,} {what}: {some(faults)}. Needed: {needed}." if faults else ""
    return Gate(f"features, {name}", needed, f"{len(faults):,} {what}", refusal)


def _missing(kept: Kept, now: Floats, before: Floats | None, limits: Publish) -> str:
    """Whether many more or fewer values than before are unknown."""
    share = float(np.isnan(now).mean())
    shares = [part[-1] / max(sum(part), 1) for part in (kept["all"], kept["newest"])]
    shares += [float(np.isnan(before).mean())] if before is not None else []
    nearest = min(shares, key=lambda each: abs(each - share))
    return f"{percent(share)}, was {percent(nearest)}" if abs(share - nearest) > limits.max_missing_change else ""


def _constant(kept: Kept, now: Floats, before: Floats | None, _: Publish) -> str:
    """Whether all have one value where that can be no luck, and had not before."""
    if not _one_value(now) or (before is not None and _one_value(before)):
        return ""
    if np.isnan(now).all():
        return ""  # `_missing` tells of those
    place = int(places(now, np.array(kept["edges"]))[~np.isnan(now)][0])
    known = int((~np.isnan(now)).sum())
    shares = [(part[place] + 0.5) / (sum(part[:-1]) + 0.5) for part in (kept["all"], kept["newest"])]
    return f"{np.nanmin(now):g} for all {known:,}" if max(shares) ** known < BY_LUCK else ""


def _one_value(values: Floats) -> bool:
    known = values[~np.isnan(values)]
    return not len(known) or bool(known.min() == known.max())


def _unit(kept: Kept, now: Floats, before: Floats | None, limits: Publish) -> str:
    """Whether all quartiles of the sizes moved by much in one direction, as another unit would move them."""
    ours = np.array(sizes(now))
    if (now[~np.isnan(now)] != 0).sum() < FEW:
        return ""
    found = []
    for theirs in (kept["sizes"], sizes(before) if before is not None else []):
        if theirs:
            moved = np.log(ours / np.array(theirs))
            found.append(float(np.sign(moved[1]) * np.abs(moved).min()) if abs(np.sign(moved).sum()) == 3 else 0.0)
    nearest = min(found, key=abs, default=0.0)
    return f"x {np.exp(nearest):.3g}" if abs(nearest) > np.log(limits.max_unit_factor) else ""


def _spread(kept: Kept, now: Floats, before: Floats | None, limits: Publish) -> str:
    """Whether the values lie in other bins than before."""
    found = counts(kept, now)
    index = unlike(kept, found)
    if before is not None:
        index = min(index, stability_index(found, counts(kept, before)))
    return f"{index:.2f}" if index > max(limits.max_feature_index, 2 * kept["usual"]) else ""


def _silent(kept: Kept, now: Floats, limits: Publish) -> bool:
    """Whether nobody has had one of these rows for longer than a stream that is alive leaves all without."""
    if kept["least"] is None or np.isnan(now).all():
        return False
    return bool(np.nanmin(now) > max(limits.max_silence_days, SILENT * kept["least"]))
