"""What people read of features and actions, in a language."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from winback.config import Config

MOST_RETOLD = 3_000


def labels(project: Config, base: Path, language: Any) -> tuple[dict[str, str], dict[str, str]]:
    """What people read of features and of actions, by name and by id."""
    from typing import get_args  # noqa: PLC0415

    from winback.facts.features import declared  # noqa: PLC0415
    from winback.facts.features.feature import Driver  # noqa: PLC0415
    from winback.offers.catalogue import load_catalogue  # noqa: PLC0415
    from winback.toml_files import shipped  # noqa: PLC0415

    features = declared.in_language(
        (*declared.builtin(), *declared.own_features(project.features.files, base)), language
    )
    actions = load_catalogue(shipped("configs", project.offers.catalogue, base), (), get_args(Driver))
    return {f.name: f.label for f in features}, {action.id: action.name[language] for action in actions}


def retold(project: Config, base: Path, run: Path, told: tuple[dict[str, pd.DataFrame], Any]) -> pd.DataFrame:
    """A run's reasons with the first sentence of the likeliest to leave in another language, the others without.

    `told`: the run's frames, and the language.
    """
    import numpy as np  # noqa: PLC0415

    from winback import store  # noqa: PLC0415
    from winback.facts.features import declared  # noqa: PLC0415
    from winback.risk.scoring.reasons import sentence  # noqa: PLC0415

    frames, language = told
    features = declared.in_language(
        (*declared.builtin(), *declared.own_features(project.features.files, base)), language
    )
    by_name = {f.name: f for f in features}
    likeliest = frames["scores"].nlargest(MOST_RETOLD, "probability")["customer_id"]
    reasons = frames["reasons"]
    mine = reasons[reasons["customer_id"].isin(likeliest) & reasons["feature"].isin(by_name)]
    mine = mine[mine["sentence"].notna() & (mine["points"] > 0)]
    mine = mine.sort_values("place", kind="stable").drop_duplicates("customer_id")
    numbers = store.read_table(run / "features.parquet").to_pandas().set_index("customer_id")
    numbers = numbers[[name for name in declared.quoted_by(features) if name in numbers]]
    quoted = numbers.reindex(mine["customer_id"]).astype("float64").to_dict("records")
    values = mine["value"].to_numpy(dtype="float64", na_value=np.nan)
    texts = [sentence(by_name[f], v, n) for f, v, n in zip(mine["feature"], values, quoted, strict=True)]
    whole = reasons.assign(sentence=None)
    whole.loc[mine.index, "sentence"] = texts
    return whole
