"""Every failure that winback names.

WinbackError
├── ConfigError          the configuration or a catalogue cannot be used as written
├── SourceError          a source cannot be read, or lacks the columns its mapping names
│   └── SourceNotThere   a source is not there yet, or cannot be reached now
├── TooManyBadRows       more of a source was quarantined than its limit allows
├── NotEnoughData        too few customers, too little history
├── DataRefused          the data do not pass the gates of [gates]
│   └── DataNotThereYet  nothing is wrong with the data but that their newest day has not come in
├── WindowNotRecorded    a label was asked for before its window was fully recorded
├── FeatureMismatch      the features at hand are not those the model was trained on
├── ModelRefused         a model file is not the one registered, or holds types we do not load
├── ModelNotBetter       a candidate does not pass its gates, so it was not promoted
├── PublishRefused       what a run made does not pass the gates of [publish]
│   └── ConsentMoved     consent changed while the list was made, again and again
├── LedgerDamaged        the ledger of suppressions is not as it was written, so nobody may be listed
├── ErasureIncomplete    something of an erased person is left in what we own
├── ExportRefused        an export would send what may not leave, or to a place that is not safe
├── ExportFailed         a destination did not take what was sent; nothing of it was kept there
├── SolverFailed         the solver gave no answer to a choice among offers
├── RunInProgress        another process holds the lock of this project
├── CampaignChanged      a campaign is assigned already, and what would be assigned now differs
├── RunDamaged           a file of a run does not match its manifest
└── MissingExtra         an optional dependency is needed; the message is the install line

The command line turns each of these into one message and an exit code: FAILED, or TRY_AGAIN where nothing has to be
mended and the same command may go through later. Anything else is a bug.
"""

from __future__ import annotations

from collections.abc import Sequence

DONE, FAILED, WRONG_OPTION, BUG, TRY_AGAIN = 0, 1, 2, 70, 75  # 70 and 75: EX_SOFTWARE and EX_TEMPFAIL of sysexits.h


class WinbackError(Exception):
    """A failure with a cause a person can act on.

    `exit_code`: of the command. `names_nobody`: its message can hold no customer, so that any log may have it.
    `gates`: the names of those that refused, where gates did.
    """

    exit_code = FAILED
    names_nobody = False
    gates: tuple[str, ...] = ()

    def __init__(self, message: str = "", gates: Sequence[str] = ()) -> None:
        """`message`: the sentences a person reads."""
        super().__init__(message)
        self.gates = tuple(gates)


class ConfigError(WinbackError):
    """The configuration or a catalogue cannot be used as written."""

    names_nobody = True


class SourceError(WinbackError):
    """A source cannot be read, or lacks the columns its mapping names."""


class SourceNotThere(SourceError):
    """A source is not there yet, or cannot be reached now."""

    exit_code = TRY_AGAIN


class TooManyBadRows(WinbackError):
    """More of a source was quarantined than its limit allows."""


class NotEnoughData(WinbackError):
    """Too few customers or too little history for what was asked."""


class DataRefused(WinbackError):
    """The data do not pass the gates of [gates]."""

    names_nobody = True


class DataNotThereYet(DataRefused):
    """Nothing is wrong with the data but that their newest day has not come in."""

    exit_code = TRY_AGAIN


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


class ConsentMoved(PublishRefused):
    """Consent changed while the list was made, again and again; the list before stays."""

    exit_code = TRY_AGAIN
    names_nobody = True


class LedgerDamaged(WinbackError):
    """The ledger of suppressions is not as it was written, or its key is missing; nobody may be listed by it."""


class ErasureIncomplete(WinbackError):
    """Something of an erased person is left in what we own."""


class ExportRefused(WinbackError):
    """An export would send what may not leave, or would write to a place that is not safe."""


class ExportFailed(WinbackError):
    """A destination did not take what was sent; nothing of it was kept there."""

    exit_code = TRY_AGAIN


class SolverFailed(WinbackError):
    """The solver gave no answer to a choice among offers."""


class RunInProgress(WinbackError):
    """Another process holds the lock of this project."""

    exit_code = TRY_AGAIN
    names_nobody = True


class CampaignChanged(WinbackError):
    """A campaign is assigned already, and what would be assigned now differs."""


class RunDamaged(WinbackError):
    """A file of a run does not match its manifest."""


class MissingExtra(WinbackError):
    """An optional dependency is needed; the message is the install line."""

    names_nobody = True
