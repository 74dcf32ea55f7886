"""Statistics of a model pack that are measured on a school's own templates and stored with the school's heads."""

import logging
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from zipfile import BadZipFile

import numpy as np

from muster.domain.errors import HeadConflict, HeadNotFound, InvalidRequest
from muster.domain.identifiers import PackId, StudentId
from muster.domain.packs import comparable
from muster.domain.student import Template
from muster.packs.load import ModelPack
from muster.packs.manifest import NeutralStatistics, PackSpec
from muster.packs.statistics import NetworkStatistics, PackStatistics, read_statistics, statistics_bytes
from muster.recognition.school_statistics import MIN_STUDENTS, estimate_school
from muster.services.training.run import TemplateSource
from muster.storage.ports import HeadStore

_log = logging.getLogger(__name__)

_KEPT = 3


@dataclass(frozen=True, slots=True)
class SchoolMeasurement:
    """The result of a measurement.

    Attributes:
        used: whether the statistics are in use from now on; if not, those from before stay.
        students: number of students with a template of the pack.
        strangers: highest plausible share of strangers above the score that one in a thousand should exceed, or None
            if there are too few students.
        reason: why the statistics are not used, or None.
    """

    pack: PackId
    used: bool
    students: int
    strangers: float | None
    reason: str | None


def measure_school(spec: PackSpec, source: TemplateSource, heads: HeadStore) -> SchoolMeasurement:
    """Measure a pack's statistics on students' registration photos, and use them if they are safe.

    Only a mean and a covariance are stored. They are stored like a head, so the erasure of any student deletes them.

    Args:
        source: returns the templates of all registered students; those that cannot be compared are ignored.

    Raises:
        InvalidRequest: the pack has measured statistics already.
    """
    if not isinstance(spec.statistics, NeutralStatistics):
        raise InvalidRequest(f"The pack {spec.name!r} has statistics of many people: it needs none of your students.")
    name = _stored_as(spec.id)
    current = heads.current(name)
    templates = [template for template in source.templates() if comparable(template.pack, spec.id)]
    result = SchoolMeasurement(spec.id, True, len(templates), None, None)
    if len(templates) < MIN_STUDENTS:
        return replace(result, used=False, reason=f"Statistics need {MIN_STUDENTS} registered students.")
    found = estimate_school(np.stack([template.embeddings[0] for template in templates]), spec.sizes)
    result = replace(result, strangers=round(found.strangers, 5))
    if not found.safe:
        return replace(result, used=False, reason="They would let too many strangers pass.")
    networks = tuple(NetworkStatistics(network.mean, network.factor) for network in found.population.networks)
    version = heads.save(name, statistics_bytes(PackStatistics(networks)), asdict(result))
    if {_registration(template) for template in templates} <= {_registration(now) for now in source.templates()}:
        with suppress(HeadConflict, HeadNotFound):
            heads.promote(name, version, expected=current)
            heads.prune(name, _KEPT)
            return result
    # An erasure deletes the stored statistics; these came later and hold the student who was erased.
    heads.prune(name, 0)
    return replace(result, used=False, reason="Students were erased in the meantime. Measure again.")


def stored_statistics(spec: PackSpec, heads: HeadStore) -> PackStatistics | None:
    """Return the statistics that were measured on the school, or None if there are none that can be used."""
    if not isinstance(spec.statistics, NeutralStatistics):
        return None
    name = _stored_as(spec.id)
    version = heads.current(name)
    if version is None:
        return None
    try:
        return read_statistics(heads.load(name, version), spec.sizes)
    except (HeadNotFound, ValueError, KeyError, BadZipFile) as error:
        _log.error("statistics %s of pack %s are not used: %s", version, spec.id, error)
        return None


def with_school_statistics(pack: ModelPack, heads: HeadStore) -> ModelPack:
    """Return a pack with the statistics of the school, unless it has measured ones or the school has none."""
    if pack.manifest.own_statistics is not None:
        return pack
    found = stored_statistics(pack.manifest, heads)
    return pack if found is None else replace(pack, statistics=found)


def _registration(template: Template) -> tuple[StudentId, str]:
    return template.student_id, template.photo_digest


def _stored_as(pack: PackId) -> PackId:
    return PackId(f"{pack}.statistics")
