"""Training for a job: its question's gates, cutoffs and model, and the model's enrolment."""

from __future__ import annotations

from collections.abc import Callable

from winback import runs
from winback.facts.check import gates
from winback.facts.intake.accounting import Accounting
from winback.jobs import Job
from winback.measuring import campaigns_of
from winback.permitting import ingested, unasked
from winback.risk.asking.dataset import Ask, Plan, plan_cutoffs
from winback.risk.asking.questions import history_starts
from winback.risk.asking.readiness import training_gates
from winback.risk.keeping import aliases
from winback.risk.keeping.enrolment import enrol
from winback.risk.keeping.file_gates import Asked
from winback.risk.keeping.promotions import Version
from winback.risk.learning.candidate import Candidate
from winback.risk.learning.train import train

Say = Callable[[str], None]


def taken_in(job: Job) -> list[Accounting]:
    """The row accounting of every source, whose tables then lie in the facts folder.

    DataRefused when the sources of the day are too damaged or too old to learn from or to make a list of.
    """
    found = ingested(job)
    limits = job.config.gates
    of_sources = gates.source_gates(found, job.config.sources.given(), limits)
    fresh = [gates.freshness_gate(job.facts, job.zone, job.today, limits)] if job.config.sources.orders else []
    gates.refuse([*of_sources, *fresh])
    return found


def settled(job: Job) -> None:
    """What a killed process left behind is swept up; to be called under the project's lock."""
    for place in (job.runs, job.state):
        runs.sweep(place)
    aliases.settle(job.state)


def plan_of(job: Job) -> Plan:
    """The cutoffs to learn from and to be examined on."""
    starts = history_starts(job.facts, job.spec, job.zone)
    return plan_cutoffs(job.config.cutoffs, job.spec.reach_days, starts, job.today)


def trained(job: Job, say: Say) -> Candidate:
    """A model of the job's question, examined; DataRefused where the data do not allow one."""
    gates.refuse(training_gates(job.facts, (job.zone, job.today), job.spec, job.config.cutoffs, job.config.gates))
    return train(job.facts, plan_of(job), job.zone, job.today, asked(job), say)


def asked(job: Job) -> Ask:
    """The job's question for training: what it reads, who is not to be learned from, and who was treated by us."""
    return Ask(job.spec, job.features, unasked(job), campaigns_of(job))


def enrolled(job: Job, candidate: Candidate, *, promote: bool = True) -> Version:
    """The candidate's registered version; champion, where it passes its gates and is to be promoted."""
    made_from = {
        "inputs": job.inputs,
        "settings": job.settings,
        "today": job.today,
        "versions": runs.versions(),
    }
    wanted = Asked(job.spec, job.today, job.features)
    return enrol(job.state, candidate, made_from, wanted, job.received_at, promote=promote)
