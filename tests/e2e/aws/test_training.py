"""Training on AWS: one run at a time, nothing forgotten, and no older run in the way of a newer one."""

import json
import os
import time
from datetime import UTC, datetime
from typing import Any

import boto3
import numpy as np
import pytest

from infra.config import DEV
from muster.domain.identifiers import GroupId, StudentId
from muster.domain.student import Consent, Student, Template
from muster.packs.manifest import shipped_spec
from muster.storage.aws.stores import CLIENT_CONFIG, AwsStores, open_aws
from tests import processes
from tests.e2e.aws.batch import cancelled_after
from tests.e2e.aws.cloud import REGION, Cloud
from tests.e2e.aws.conftest import Deployed

PACK = shipped_spec(DEV.pack).id


@pytest.fixture
def stores(deployed: Deployed) -> AwsStores:
    session = boto3.Session("test", "test", region_name=REGION)
    endpoint, variables = deployed.cloud.endpoint, deployed.cloud.variables("Register")
    return open_aws(
        session.client("dynamodb", endpoint_url=endpoint, config=CLIENT_CONFIG),
        session.client("s3", endpoint_url=endpoint, config=CLIENT_CONFIG),
        table=variables["MUSTER_TABLE"],
        photos=variables["MUSTER_PHOTOS_BUCKET"],
        models=variables["MUSTER_MODELS_BUCKET"],
    )


def add(stores: AwsStores, *numbers: int) -> None:
    """Register people who are in no photo, with eight views each."""
    for number in numbers:
        random = np.random.default_rng(number)
        views = random.normal(size=(1, 704)) + 0.3 * random.normal(size=(8, 704))
        views = (views / np.linalg.norm(views, axis=1, keepdims=True)).astype(np.float32)
        now = datetime.now(UTC)
        student = StudentId(f"s{number}")
        record = Student(student, "Nobody", frozenset([GroupId("7b")]), Consent(now, "2026-1"), now)
        stores.students.add(record, Template(student, PACK, views, f"{number:064x}"), b"photo")


def decisions(deployed: Deployed) -> list[str]:
    """Hand the events of new templates to `retrain`, and return what it decided."""
    return [
        deployed.functions["retrain"].invoke(event)["decision"] for event in deployed.cloud.events("TemplateStored")
    ]


def ended(
    deployed: Deployed, job: dict[str, Any], status: str, reason: str = "Host EC2 (instance i-0) terminated."
) -> str:
    event = deployed.cloud.job_state_changed(job, status, reason)
    decision: str = deployed.functions["retrain"].invoke(event)["decision"]
    return decision


def test_two_registrations_at_once_lead_to_one_training_that_knows_both(deployed: Deployed, stores: AwsStores) -> None:
    add(stores, 1, 2)
    assert sorted(decisions(deployed)) == ["coalesced", "started"]
    (job,) = deployed.cloud.jobs()
    report = deployed.cloud.run_job(job)
    assert report["students"] == 2
    models = deployed.cloud.variables("Register")["MUSTER_MODELS_BUCKET"]
    listed = deployed.cloud.client("s3").list_objects_v2(Bucket=models, Prefix="heads/")["Contents"]
    assert [item["Key"] for item in listed] == [
        f"heads/{PACK}/1/head.safetensors",
        f"heads/{PACK}/1/metrics.json",
    ]
    state = stores.training.state()
    assert (state.running, state.last_outcome) == (None, report)


def test_the_same_event_twice_starts_one_job(deployed: Deployed, stores: AwsStores) -> None:
    add(stores, 1)
    (event,) = deployed.cloud.events("TemplateStored")
    retrain = deployed.functions["retrain"]
    assert [retrain.invoke(event)["decision"] for _ in range(2)] == ["started", "started"]
    assert len(deployed.cloud.jobs()) == 1
    assert stores.training.state().dirty is False


def moved(deployed: Deployed, job: dict[str, Any]) -> dict[str, Any]:
    """Let a job fail on the GPU queue; return the job that continues its run."""
    assert ended(deployed, job, "FAILED") == "moved"
    return deployed.cloud.jobs("GpuProcessorQueue")[-1]


def test_a_failed_job_is_noted_and_its_work_waits_for_the_next_change(deployed: Deployed, stores: AwsStores) -> None:
    add(stores, 1)
    decisions(deployed)
    (job,) = deployed.cloud.jobs()
    assert ended(deployed, moved(deployed, job), "FAILED") == "ended"
    state = stores.training.state()
    assert (state.running, state.dirty) == (None, True)
    assert state.last_outcome == {"outcome": "failed", "reason": "Host EC2 (instance i-0) terminated."}
    add(stores, 2)
    assert decisions(deployed) == ["started"]


def test_a_change_during_a_job_that_fails_starts_the_next_at_once(deployed: Deployed, stores: AwsStores) -> None:
    add(stores, 1)
    decisions(deployed)
    add(stores, 2)
    assert decisions(deployed) == ["coalesced"]
    (job,) = deployed.cloud.jobs()
    assert ended(deployed, moved(deployed, job), "FAILED") == "started"
    assert len(deployed.cloud.jobs()) == 2
    assert ended(deployed, job, "FAILED") == "ignored"
    assert stores.training.state().running is not None


def test_an_interrupted_job_takes_up_its_run_and_ends_as_if_nothing_had_been(
    deployed: Deployed, stores: AwsStores
) -> None:
    add(stores, *range(1, 41))
    decisions(deployed)
    (job,) = deployed.cloud.jobs()
    interrupted = deployed.cloud.start_job(job)
    wait_for_checkpoint(deployed.cloud)
    interrupted.kill()
    interrupted.wait()
    state = stores.training.state()
    run = job["jobName"].removeprefix("muster-train-")
    assert (state.running, stores.heads.versions(PACK)) == (f"{run}/{job['jobId']}", [])
    report = deployed.cloud.run_job(job)
    assert report["students"] == 40
    assert [head.version for head in stores.heads.versions(PACK)] == [1]
    assert stores.training.state().last_outcome == report
    assert checkpoints(deployed.cloud) == []
    assert ended(deployed, job, "SUCCEEDED") == "started"


def test_a_run_that_gets_no_gpu_is_trained_once_on_processors(deployed: Deployed, stores: AwsStores) -> None:
    cloud, retrain = deployed.cloud, deployed.functions["retrain"]
    add(stores, 1, 2)
    decisions(deployed)
    (waiting,) = cloud.jobs()

    runnable = cloud.job_state_changed(waiting, "RUNNABLE", rule="DeadlineWaitsForGpu")
    seconds, cancel = cancelled_after(cloud.templates, "DeadlineWaitsForGpu", runnable)
    assert cancel is not None
    assert (seconds, cancel) == (600, {"JobId": waiting["jobId"], "Reason": "No GPU within 10 minutes."})
    cancelled = cloud.job_state_changed(waiting, "FAILED", cancel["Reason"])
    assert len(cloud.events("TrainingWithoutGpu")) == 1
    assert cloud.events("TrainingFailed") == []
    assert [retrain.invoke(cancelled)["decision"] for _ in range(2)] == ["moved", "moved"]
    (job,) = cloud.jobs("GpuProcessorQueue")
    assert job["jobName"] == f"{waiting['jobName']}-processors"

    assert cloud.run_job(waiting)["outcome"] == "superseded", "a GPU came after all"
    assert ended(deployed, waiting, "SUCCEEDED") == "ignored"
    report = cloud.run_job(job)
    assert (report["students"], report["machine"], report["fallback"]) == (2, "processors", True)
    assert cloud.run_job(job)["outcome"] == "superseded", "another attempt after the end"
    assert retrain.invoke({**cancelled, "id": "a late duplicate"})["decision"] == "started", "the second student"
    assert ended(deployed, job, "SUCCEEDED") == "ignored"
    assert deployed.client.get("/v1/training").json()["last_outcome"] == report
    assert len(cloud.jobs("GpuProcessorQueue")) == 1


def test_a_job_that_waits_is_reported_and_one_that_gets_no_machine_at_all_fails(deployed: Deployed) -> None:
    cloud = deployed.cloud
    retrain = deployed.functions["retrain"]
    retrain.invoke({"id": "by-hand", "source": "aws.s3", "detail-type": "Object Created", "detail": {}})
    job = moved(deployed, cloud.jobs()[0])
    runnable = cloud.job_state_changed(job, "RUNNABLE", rule="DeadlineWaitsForProcessors")
    seconds, cancel = cancelled_after(cloud.templates, "DeadlineWaitsForProcessors", runnable)
    assert cancel is not None
    assert (seconds, cancel["Reason"]) == (3600, "No machine within 60 minutes.")
    cloud.send_batch_event("Batch Job Queue Blocked", job, "RUNNABLE", "UNDETERMINED - Batch job is blocked.")
    assert [event["detail"]["statusReason"] for event in cloud.events("TrainingWaits")] == [
        "UNDETERMINED - Batch job is blocked."
    ]
    assert ended(deployed, job, "FAILED", cancel["Reason"]) == "ended"
    assert len(cloud.events("TrainingFailed")) == 1
    state = deployed.client.get("/v1/training").json()
    assert (state["state"], state["last_outcome"]["reason"]) == ("waiting", cancel["Reason"])


def checkpoints(cloud: Cloud) -> list[Any]:
    models = cloud.variables("Register")["MUSTER_MODELS_BUCKET"]
    listed = cloud.client("s3").list_objects_v2(Bucket=models, Prefix="checkpoints/")
    return list(listed.get("Contents", []))


def wait_for_checkpoint(cloud: Cloud) -> None:
    for _ in range(1200):
        if checkpoints(cloud):
            return
        time.sleep(0.05)
    raise AssertionError("the job kept no checkpoint within a minute")


def test_a_job_that_another_run_overtook_changes_nothing(deployed: Deployed, stores: AwsStores) -> None:
    add(stores, 1, 2)
    decisions(deployed)
    (older,) = deployed.cloud.jobs()
    add(stores, 3)
    decisions(deployed)
    assert ended(deployed, moved(deployed, older), "FAILED") == "started"
    newer = deployed.cloud.jobs()[1]
    report = deployed.cloud.run_job(newer)
    heads, state = stores.heads.versions(PACK), stores.training.state()
    assert state.last_outcome == report
    assert deployed.cloud.run_job(older)["outcome"] == "superseded"
    assert (stores.heads.versions(PACK), stores.training.state()) == (heads, state)


def test_an_operator_goes_back_to_an_older_head_or_to_none_at_the_command_line(
    deployed: Deployed, stores: AwsStores
) -> None:
    for version in (1, 2):
        assert stores.heads.save(PACK, b"head", {}) == version
    stores.heads.promote(PACK, 2, expected=None)
    cloud = deployed.cloud
    environment = {**os.environ, **cloud.environment, **cloud.variables("Roster")}

    def muster(*arguments: str) -> Any:
        done = processes.run(["-m", "muster", "train", "--json", *arguments], env=environment)
        return json.loads(done.stdout)

    assert muster("--rollback", "1") == {"outcome": "rolled_back", "version": 1}
    assert stores.heads.current(PACK) == 1
    assert muster("--rollback", "7")["code"] == "head_not_found"
    assert muster("--withdraw") == {"outcome": "withdrawn"}
    assert stores.heads.current(PACK) is None
    assert muster()["code"] == "local_store_only"


def test_an_operator_erases_at_the_command_line_and_sees_it_proven(deployed: Deployed, stores: AwsStores) -> None:
    add(stores, 1, 2)
    environment = {**os.environ, **deployed.cloud.environment, **deployed.cloud.variables("Roster")}
    command = ["-m", "muster", "students", "erase", "s1", "--yes", "--verify", "--json"]
    for _ in range(2):
        done = processes.run(command, env=environment)
        assert (done.returncode, json.loads(done.stdout)) == (0, {"erased": "s1", "traces": []}), done.stderr
    assert [student.id for student in stores.students.find()] == ["s2"]


def test_a_job_of_somebody_else_is_ignored(deployed: Deployed, stores: AwsStores) -> None:
    add(stores, 1)
    decisions(deployed)
    (job,) = deployed.cloud.jobs()
    before = stores.training.state()
    assert ended(deployed, {**job, "jobName": "nightly-report"}, "SUCCEEDED") == "ignored"
    assert stores.training.state() == before


def test_an_erased_student_is_in_no_head_and_the_others_are_learnt_anew(deployed: Deployed, stores: AwsStores) -> None:
    add(stores, 1, 2, 3)
    assert sorted(decisions(deployed)) == ["coalesced", "coalesced", "started"]
    (first,) = deployed.cloud.jobs()
    deployed.cloud.run_job(first)
    assert len(stores.heads.versions(PACK)) == 1

    assert deployed.client.delete("/v1/students/s2").status_code == 204

    assert stores.heads.versions(PACK) == []
    assert ended(deployed, first, "SUCCEEDED") == "started"
    (event,) = deployed.cloud.events("TemplateErased")
    assert deployed.functions["retrain"].invoke(event) == {"decision": "coalesced"}
    second = deployed.cloud.jobs()[1]
    assert deployed.cloud.run_job(second)["students"] == 2
    assert ended(deployed, second, "SUCCEEDED") == "started"
    assert deployed.cloud.events("TemplateErased") == []
    assert decisions(deployed) == []


def test_erasing_a_student_starts_a_run_where_none_is_under_way(deployed: Deployed, stores: AwsStores) -> None:
    add(stores, 1, 2)
    deployed.cloud.events("TemplateStored")
    assert deployed.client.delete("/v1/students/s2").status_code == 204
    (event,) = deployed.cloud.events("TemplateErased")
    assert deployed.functions["retrain"].invoke(event) == {"decision": "started"}
    assert len(deployed.cloud.jobs()) == 1


def test_a_student_erased_while_a_job_runs_leads_to_one_more(deployed: Deployed, stores: AwsStores) -> None:
    add(stores, *range(1, 41))
    decisions(deployed)
    (job,) = deployed.cloud.jobs()
    running = deployed.cloud.start_job(job)
    wait_for_checkpoint(deployed.cloud)
    assert deployed.client.delete("/v1/students/s2").status_code == 204
    (event,) = deployed.cloud.events("TemplateErased")
    assert deployed.functions["retrain"].invoke(event) == {"decision": "coalesced"}
    log, _ = running.communicate(timeout=840)
    assert running.returncode == 0, log
    assert stores.heads.versions(PACK) == []
    assert checkpoints(deployed.cloud) == []
    assert ended(deployed, job, "SUCCEEDED") == "started"


def test_the_daily_sweep_finishes_what_was_cut_off(
    deployed: Deployed, stores: AwsStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(stores, 1)
    deployed.cloud.events("TemplateStored")
    with monkeypatch.context() as killed:
        killed.setattr(stores.objects, "delete", cut_off)
        with pytest.raises(KeyboardInterrupt):
            stores.students.erase(StudentId("s1"))
    with monkeypatch.context() as killed:
        killed.setattr(stores.objects, "put_model", cut_off)
        with pytest.raises(KeyboardInterrupt):
            add(stores, 2)
    assert deployed.cloud.events("TemplateStored") == deployed.cloud.events("TemplateErased") == []

    assert deployed.functions["sweep"].invoke({"detail-type": "Scheduled Event", "source": "aws.events"}) is None

    assert len(deployed.cloud.events("TemplateStored")) == 1
    assert len(deployed.cloud.events("TemplateErased")) == 1
    photos = deployed.cloud.client("s3").list_objects_v2(Bucket=deployed.cloud.bucket_of_photos, Prefix="students/")
    assert len(photos["Contents"]) == 1, "the photo of s2 alone"


def cut_off(*_: Any) -> None:
    raise KeyboardInterrupt
