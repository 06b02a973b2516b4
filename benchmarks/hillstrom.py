"""Real random mail: 64,000 customers, three arms. Average effects, whom the women's mail changes, and does it pay?

    python benchmarks/hillstrom.py ../shared/data/hillstrom/hillstrom.parquet [--repeats 3]

See docs/learning.md for the figures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from winback.effects.estimate import Arms, effect
from winback.effects.intervals import one_look
from winback.learn.policy import better
from winback.learn.qini import mean_of, qini
from winback.learn.uplift import Uplift, dr_scores

NUMBERS = ["recency", "history", "mens", "womens", "newbie"]
WORDS = ["zip_code", "channel", "history_segment"]
MARGIN, COST = 0.3, 0.1  # of the spend; of one mail
BEST_PUBLISHED, TWO_MODELS = 0.767, 0.702


def known(rows: pd.DataFrame) -> np.ndarray:
    """What was known before the mail."""
    columns = pd.get_dummies(rows[NUMBERS + WORDS], dtype=float)
    return columns.assign(log_history=np.log(rows["history"])).to_numpy()


def averages(rows: pd.DataFrame) -> None:
    """Effects of both mails against none: adjusted, and the plain difference of means."""
    print("average effects a customer: adjusted [95 %], plain difference, how much narrower")
    for arm in ("Womens E-Mail", "Mens E-Mail"):
        two = rows[rows["segment"].isin([arm, "No E-Mail"])].reset_index(drop=True)
        treated, x = (two["segment"] == arm).to_numpy(), known(two)
        for outcome in ("visit", "conversion", "spend"):
            y = two[outcome].to_numpy(dtype=float)
            arms = Arms(treated, np.full(len(y), 0.5), np.arange(len(y)), x)
            without = one_look(effect(y, Arms(treated, arms.propensity, arms.customer, x[:, :0])))
            found = effect(y, arms)
            interval = one_look(found)
            low, high = interval.low, interval.high
            narrower = 1 - (high - low) / (without.high - without.low)
            plain = y[treated].mean() - y[~treated].mean()
            print(
                f"  {arm:14} {outcome:10} {found.value:.4f} [{low:.4f}, {high:.4f}]  {plain:.4f}  "
                f"{narrower:.1%}  {'agree' if low <= plain <= high else 'DIFFER'}"
            )


def uplift(rows: pd.DataFrame, repeats: int) -> None:
    """Five folds, some times over: the Qini on visits, and what choosing by it earns against mailing everybody."""
    two = rows[rows["segment"] != "Mens E-Mail"].reset_index(drop=True)
    treated, x = (two["segment"] == "Womens E-Mail").to_numpy(), known(two)
    visit, margin = two["visit"].to_numpy(dtype=float), MARGIN * two["spend"].to_numpy(dtype=float)
    for learner in ("t", "x"):
        found, values, of_all, more = [], [], [], []
        for repeat in range(repeats):
            score, scores = np.zeros(len(two)), np.zeros(len(two))
            for seen, new in StratifiedKFold(5, shuffle=True, random_state=repeat).split(x, 2 * treated + visit):
                model = Uplift(learner).fit(x[seen], visit[seen], treated[seen], 0.5)
                score[new] = model.predict(x[new])
                found.append(qini(score[new], visit[new], treated[new]))
                worth = margin[seen][visit[seen] == 1].mean()  # of a visit
                score[new] *= worth
                means = [np.full(len(new), margin[seen][arm].mean()) for arm in (~treated[seen], treated[seen])]
                scores[new] = dr_scores(margin[new], treated[new], np.full(len(new), 0.5), (means[0], means[1]))
            chosen, everybody = score > COST, np.ones(len(two), dtype=bool)
            values.append(mean_of(chosen * (scores - COST)))
            of_all.append(mean_of(scores - COST))
            more.append(better(chosen, everybody, scores, COST))
        q, sd = np.mean(found), np.std(found, ddof=1)
        error = sd / 5**0.5  # of a mean of five folds; repeats share their rows
        low, high = q - 2 * error, q + 2 * error
        print(f"\n{learner}-learner: five-fold Qini {q:.3f}, sd of folds {sd:.3f}, 95 % {low:.3f} to {high:.3f}")
        says = "at least as good" if q >= BEST_PUBLISHED else "below"
        print(f"  best published {BEST_PUBLISHED}: {says}; two models {TWO_MODELS}")
        for name, figures in (("chosen by uplift", values), ("mailed all", of_all), ("the difference", more)):
            value, low, high = (np.mean([getattr(f, part) for f in figures]) for part in ("value", "low", "high"))
            print(f"  net of {COST} a mail, a customer: {name:16} {value:.4f} [{low:.4f}, {high:.4f}]")
        sure = np.mean([f.low for f in more]) > 0
        print(f"  {'used: surely better than mailing all' if sure else 'not used: not surely better than mailing all'}")


def main() -> None:
    """Print the figures of docs/learning.md."""
    asked = argparse.ArgumentParser()
    asked.add_argument("file", type=Path)
    asked.add_argument("--repeats", type=int, default=3)
    given = asked.parse_args()
    rows = pd.read_parquet(given.file)
    averages(rows)
    uplift(rows, given.repeats)


if __name__ == "__main__":
    main()
