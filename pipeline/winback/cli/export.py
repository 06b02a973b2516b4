"""winback export."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from winback.cli.options import config_option, json_option

if TYPE_CHECKING:
    import pandas as pd

    from winback.config import Config
    from winback.export.people import Wanted
    from winback.limits import Consent

PLACES = ("google", "meta", "klaviyo", "mailchimp", "hubspot", "tiktok", "csv", "parquet", "sql")
CHANNELS = ("email", "sms", "push", "post", "call", "app", "store")
AD_PURPOSES = ("ad_user_data", "ad_personalization")


@click.command("export")
@config_option
@click.option("--to", type=click.Choice(PLACES), required=True, help="Which tool the list is for.")
@click.option("--action", help="Only those for whom this action was decided.")
@click.option("--channel", type=click.Choice(CHANNELS), help="Only those decided to be contacted by this channel.")
@click.option("--campaign", help="What the list is called; an ad platform is told nothing by a name of our own.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Another folder than [destinations] folder."
)
@json_option
def command(config_path: Path, to: str, out: Path | None, as_json: bool, **asked: str | None) -> None:
    """Write the published run's list as a marketing tool takes it, for those who may be sent to it now.

    Consent is read anew. Whoever was sent before and may not be any more is in a file of removals. Held-out customers
    are in no list. The receipt beside the files says what was sent, what was not, and why; the same run again gives
    the same files.

    Example: winback export --to google --config configs/winback.toml
    """
    from winback import config  # noqa: PLC0415
    from winback.export.people import Wanted  # noqa: PLC0415

    settings = config.load(config_path)
    base = config_path.parent
    folder = out or base / settings.destinations.folder
    refuse_unknown(asked["action"], settings, base)
    wanted = Wanted(asked["action"], asked["channel"])
    receipts = _exported(settings, base, folder, to, wanted, asked["campaign"])
    if as_json:
        click.echo(json.dumps(receipts, ensure_ascii=False))
        return
    for receipt in receipts:
        click.echo("\n".join(_told(receipt, folder)))


def refuse_unknown(action: str | None, settings: Config, base: Path) -> None:
    """ExportRefused for an action that the catalogue does not have: its list would be empty, and take off everybody."""
    from winback.errors import ExportRefused  # noqa: PLC0415
    from winback.toml_files import did_you_mean, read_toml, shipped  # noqa: PLC0415

    told = read_toml(shipped("configs", settings.offers.catalogue, base)).get("actions", [])
    known = [str(each.get("id")) for each in told]
    if action is not None and action not in known:
        raise ExportRefused(f"no action of the catalogue is called {action!r}.{did_you_mean(action, known)}")


def _exported(
    settings: Config, base: Path, out: Path, to: str, wanted: Wanted, campaign: str | None
) -> list[dict[str, Any]]:
    """The receipts, under the project's lock."""
    from winback import runs  # noqa: PLC0415
    from winback.consent.gate import reread  # noqa: PLC0415
    from winback.export.addressed import addressed  # noqa: PLC0415
    from winback.export.delivery import Shop  # noqa: PLC0415
    from winback.export.export import export, published  # noqa: PLC0415

    state, folder = base / settings.project.state, base / settings.project.runs
    now = dt.datetime.now(dt.UTC)

    def permissions(customer_ids: list[str]) -> pd.DataFrame:
        found = with_ad_consent(reread(settings, base, now, customer_ids), settings.consent)
        if settings.consent.max_age_days is None:
            return found
        ageless = replace(settings, consent=replace(settings.consent, max_age_days=None))
        return with_age(found, reread(ageless, base, now, customer_ids))

    with runs.project_lock(state):
        manifest = published(folder)[1]
        customers = addressed(state / "facts" / manifest["facts"])
        shop = Shop(base, folder, state, out, customers, permissions, now.isoformat())
        return export(to, shop, settings.destinations, with_words(wanted, settings, state, manifest), campaign)


def with_words(wanted: Wanted, settings: Config, state: Path, manifest: dict[str, Any]) -> Wanted:
    """`wanted` with what people and the draw said of the night's campaign: actions approved, customers held out."""
    from winback.campaigns import approvals, ledger, night  # noqa: PLC0415

    day = dt.date.fromisoformat(manifest["logical_date"])
    campaign = night.plan(settings, manifest["model"]["name"], day).campaign
    said = approvals.approved(approvals.history(state), campaign)
    held: frozenset[str] = frozenset()
    if campaign in ledger.campaigns(state):
        rows = ledger.read(state, campaign)
        held = frozenset(rows.loc[rows["arm"] == "held_out", "customer_id"])
    return replace(wanted, approved=said, held_out=held)


def with_ad_consent(permissions: pd.DataFrame, consent: Consent) -> pd.DataFrame:
    """`permissions` with the two purposes that Google asks for: granted where ads are permitted by a record of both.

    Not known (NA) where [consent] does not ask for a record of both before it permits ads.
    """
    asked = set(AD_PURPOSES) <= set(consent.ads_purposes)
    recorded = asked and not consent.kept_elsewhere and "ads" not in consent.opt_out_channels
    said = permissions["may_ads"].astype("boolean")
    return permissions.assign(**dict.fromkeys(AD_PURPOSES, said if recorded else said.mask(said.notna())))


def with_age(permissions: pd.DataFrame, ageless: pd.DataFrame) -> pd.DataFrame:
    """`permissions` with was_profile and was_<channel>: what would be permitted, did the age of a grant not count."""
    was = ageless.rename(columns=lambda name: name.replace("may_", "was_"))
    return permissions.merge(was, on="customer_id", how="left", validate="one_to_one")


def _told(receipt: dict[str, Any], folder: Path) -> list[str]:
    """A receipt in a few lines."""
    lines = [
        f"{receipt['destination']} / {receipt['campaign']}: {receipt['sent']} sent, {receipt['removed']} to remove"
    ]
    left_out = ", ".join(f"{count} {reason}" for reason, count in receipt["dropped"].items())
    lines += [f"  left out: {left_out}"] if left_out else []
    faults = sum(sum(reasons.values()) for reasons in receipt["rejected_values"].values())
    lines += [f"  {faults} values could not be sent; rejects.csv says which and why"] if faults else []
    lines += [f"  {receipt['advice']}"] if receipt["advice"] else []
    if "table" in receipt:
        lines.append(f"  table {receipt['table']}")
    place = folder / receipt["destination"] / receipt["campaign"] / receipt["run_id"]
    return [*lines, *(f"  {place / name} ({held['rows']} rows)" for name, held in receipt["files"].items())]
