"""Every failure that winback names.

WinbackError
├── ConfigError          the configuration or a catalogue cannot be used as written
├── SourceError          a source cannot be read, or lacks the columns its mapping names
├── TooManyBadRows       more of a source was quarantined than its limit allows
├── NotEnoughData        too few customers, too little history
├── DataRefused          the data do not pass the gates of [gates]
├── WindowNotRecorded    a label was asked for before its window was fully recorded
├── FeatureMismatch      the features at hand are not those the model was trained on
├── ModelRefused         a model file is not the one registered, or holds types we do not load
├── ModelNotBetter       a candidate does not pass its gates, so it was not promoted
├── PublishRefused       what a run made does not pass the gates of [publish]
├── LedgerDamaged        the ledger of suppressions is not as it was written, so nobody may be listed
├── ErasureIncomplete    something of an erased person is left in what we own
├── ExportRefused        an export would send what may not leave, or to a place that is not safe
├── ExportFailed         a destination did not take what was sent; nothing of it was kept there
├── SolverFailed         the solver gave no answer to a choice among offers
├── RunInProgress        another process holds the lock of this project
├── CampaignChanged      a campaign is assigned already, and what would be assigned now differs
├── RunDamaged           a file of a run does not match its manifest
└── MissingExtra         an optional dependency is needed; the message is the install line

The command line turns each of these into one line and exit code 1. Anything else is a bug.
"""

from __future__ import annotations


class WinbackError(Exception):
    """A failure with a cause a person can act on."""


class ConfigError(WinbackError):
    """The configuration or a catalogue cannot be used as written."""


class SourceError(WinbackError):
    """A source cannot be read, or lacks the columns its mapping names."""


class TooManyBadRows(WinbackError):
    """More of a source was quarantined than its limit allows."""


class NotEnoughData(WinbackError):
    """Too few customers or too little history for what was asked."""


class DataRefused(WinbackError):
    """The data do not pass the gates of [gates]."""


class WindowNotRecorded(WinbackError):
    """A label was asked for before its window was fully recorded."""


class FeatureMismatch(WinbackError):
    """The features at hand are not those the model was trained on."""


class ModelRefused(WinbackError):
    """A model file is not the one registered, or holds types we do not load."""


class ModelNotBetter(WinbackError):
    """A candidate does not pass its gates, so it was not promoted."""


class PublishRefused(WinbackError):
    """What a run made does not pass the gates of [publish]; the list before stays."""


class LedgerDamaged(WinbackError):
    """The ledger of suppressions is not as it was written, or its key is missing; nobody may be listed by it."""


class ErasureIncomplete(WinbackError):
    """Something of an erased person is left in what we own."""


class ExportRefused(WinbackError):
    """An export would send what may not leave, or would write to a place that is not safe."""


class ExportFailed(WinbackError):
    """A destination did not take what was sent; nothing of it was kept there."""


class SolverFailed(WinbackError):
    """The solver gave no answer to a choice among offers."""


class RunInProgress(WinbackError):
    """Another process holds the lock of this project."""


class CampaignChanged(WinbackError):
    """A campaign is assigned already, and what would be assigned now differs."""


class RunDamaged(WinbackError):
    """A file of a run does not match its manifest."""


class MissingExtra(WinbackError):
    """An optional dependency is needed; the message is the install line."""
