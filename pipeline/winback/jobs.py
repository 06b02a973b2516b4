"""What one run is made from: a project's settings read and checked, its inputs fingerprinted."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from winback import runs
from winback.config import Config, Sources
from winback.facts.check.unmapped import at_hand
from winback.facts.features import declared
from winback.facts.features.feature import Driver, Feature
from winback.facts.intake.load import folder_of
from winback.facts.intake.snapshots import fetched
from winback.facts.intake.sources import fingerprint
from winback.offers.catalogue import Action, load_catalogue
from winback.risk.asking.specs import Spec, load_spec
from winback.toml_files import shipped


@dataclass(frozen=True)
class Job:
    """All that one run is made from.

    `back_fill`: the night is made up for afterwards, so its list is nobody's to send; its run has a name of its own.
    `own` are the features that the project declares itself; `sources` those of the configuration, with
    what lies in databases and object stores as it was fetched.
    """

    config: Config
    base: Path
    today: dt.date
    received_at: dt.datetime
    spec: Spec
    actions: tuple[Action, ...]
    own: tuple[Feature, ...]
    sources: Sources
    inputs: dict[str, str]
    back_fill: bool = False

    @property
    def state(self) -> Path:
        """The folder of what winback keeps between runs."""
        return self.base / self.config.project.state

    @property
    def runs(self) -> Path:
        """The folder of the runs."""
        return self.base / self.config.project.runs

    @property
    def zone(self) -> str:
        """The business's time zone."""
        return self.config.project.time_zone

    @property
    def settings(self) -> str:
        """The SHA-256 of config, spec, catalogue and own features; how long files are kept makes no other run."""
        told: list[Any] = [
            {name: value for name, value in asdict(self.config).items() if name != "retention"},
            self.spec.as_dict(),
            [asdict(a) for a in self.actions],
            [asdict(f) for f in self.own],
        ]
        return digest([*told, "back-fill"] if self.back_fill else told)

    @property
    def run_id(self) -> str:
        """The name of this run: equal for equal date, settings and inputs."""
        return runs.run_id(self.today, self.settings, self.inputs)

    @property
    def facts(self) -> Path:
        """The folder of the ingested tables: equal for equal sources and inputs."""
        project = self.config.project
        return folder_of(self.state, self.sources, project.time_zone, project.currency, self.inputs)

    @property
    def features(self) -> tuple[Feature, ...]:
        """The declared features that the configured sources can give, in the project's language."""
        offered = declared.available(at_hand(self.config.sources.given()), self.own)
        return declared.in_language(offered, self.config.project.language)


def prepare(config: Config, base: Path, today: dt.date, received_at: dt.datetime) -> Job:
    """The job of a date: spec, catalogue and own features read and checked, inputs fingerprinted.

    The catalogue has to answer every driver that the configured sources can bring up.
    """
    own = declared.own_features(config.features.files, base)
    catalogue = shipped("configs", config.offers.catalogue, base)
    drivers = {f.driver for f in declared.available(at_hand(config.sources.given()), own)}
    known = {f.name for f in (*declared.builtin(), *own)}
    spec, actions = load_spec(config.model, base, own), load_catalogue(catalogue, drivers, get_args(Driver), known)
    sources = fetched(config.sources, base, base / config.project.state)
    return Job(config, base, today, received_at, spec, actions, own, sources, fingerprint(sources, base))


def digest(values: Any) -> str:
    """The SHA-256 of plain values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()
