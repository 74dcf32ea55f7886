"""Notices of absences from a stage: the function, Amazon SES, a receiver of events, and the routes for admins."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto.ses.models import ses_backends

from infra.app import build
from infra.config import DEV, AbsenceNotices
from muster.domain.absence_notices import Contact, NoticeState, SentNotice
from muster.domain.attendance import Mark, MarkSource, MarkStatus, RegisterChange, Session
from muster.domain.group import Group
from muster.domain.identifiers import GroupId, SessionId, StudentId, UserId
from muster.domain.student import Student
from muster.services.notices.records import NoticeRecords
from muster.storage.aws.stores import CLIENT_CONFIG, AwsStores, open_aws
from tests.aws_faults import AwsFaults
from tests.e2e.aws.cloud import ACCOUNT, REGION
from tests.e2e.aws.conftest import Deployed
from tests.e2e.aws.lambda_runtime import FunctionError
from tests.infra.templates import StageTemplates
from tests.tls_servers import EventReceiver, running, write_certificate

pytestmark = pytest.mark.timeout(600)

SENDER, MOTHER, OFFICE = "school@example.edu", "mother@example.org", "office@example.edu"
SECRET = "0123456789abcdef0123456789abcdef"
PARAMETER = "/muster/dev/webhook"
EVENT = {"detail-type": "Scheduled Event", "source": "aws.events"}


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventReceiver]:
    certificate = write_certificate(tmp_path_factory.mktemp("receiver"))
    with pytest.MonkeyPatch.context() as patch, running(EventReceiver(certificate)) as server:
        # Functions are started with the environment of this process.
        patch.setenv("SSL_CERT_FILE", str(certificate))
        patch.setenv("MUSTER_TEST_RECEIVER", "1")
        yield server


@pytest.fixture(scope="module")
def templates(
    tmp_path_factory: pytest.TempPathFactory, without_docker_or_account: None, receiver: EventReceiver
) -> StageTemplates:
    """The templates of a stage that sends notices."""
    notices = AbsenceNotices(mail_from=SENDER, office=(OFFICE,), webhook_url=receiver.url, webhook_parameter=PARAMETER)
    folder = tmp_path_factory.mktemp("notices")
    build(folder, [replace(DEV, notices=notices)]).synth()
    return StageTemplates.load(folder, "dev")


@dataclass
class School:
    """A class of a stage, of which s1 was absent in a lesson of today."""

    deployed: Deployed
    stores: AwsStores

    def __post_init__(self) -> None:
        self.stores.groups.add(Group(GroupId("7b"), "7b"))
        for student, name in (("s1", "Ada Lovelace"), ("s2", "Bob Björk")):
            self.stores.students.enrol(Student(StudentId(student), name, frozenset({GroupId("7b")}), None, None))
        self.records.set_contacts(StudentId("s1"), [Contact(MOTHER, "de")])
        now = datetime.now(UTC)
        session = Session(SessionId("today"), GroupId("7b"), now)
        self.stores.sessions.create(session, [StudentId("s1"), StudentId("s2")])
        marks = [
            Mark(StudentId(student), status, MarkSource.MANUAL, now)
            for student, status in (("s1", MarkStatus.ABSENT), ("s2", MarkStatus.PRESENT))
        ]
        self.stores.sessions.amend(session.id, 1, marks=marks)
        self.stores.sessions.amend(session.id, 2, changes=[RegisterChange(now, UserId("bo"), closed=True)])

    @property
    def records(self) -> NoticeRecords:
        return NoticeRecords(self.stores.documents)

    def run(self) -> None:
        assert self.deployed.functions["notices"].invoke(EVENT) is None

    def stored(self) -> SentNotice:
        _, notices = self.records.of_student(StudentId("s1"))
        (notice,) = notices
        return notice

    def mails(self) -> list[tuple[str, str]]:
        """Return address and subject of the messages that SES took."""
        messages: list[Any] = ses_backends[ACCOUNT][REGION].sent_messages
        return [(message.destinations["ToAddresses"][0], message.subject) for message in messages]


@pytest.fixture
def school(deployed: Deployed) -> School:
    cloud = deployed.cloud
    cloud.client("sesv2").create_email_identity(EmailIdentity=SENDER)
    cloud.client("ses").verify_email_identity(EmailAddress=SENDER)
    cloud.client("ssm").put_parameter(Name=PARAMETER, Value=SECRET, Type="SecureString")
    session = boto3.Session("test", "test", region_name=REGION)
    variables = cloud.variables("Notices")
    stores = open_aws(
        session.client("dynamodb", endpoint_url=cloud.endpoint, config=CLIENT_CONFIG),
        session.client("s3", endpoint_url=cloud.endpoint, config=CLIENT_CONFIG),
        table=variables["MUSTER_TABLE"],
        photos=variables["MUSTER_PHOTOS_BUCKET"],
        models=variables["MUSTER_MODELS_BUCKET"],
    )
    return School(deployed, stores)


def test_a_notice_is_sent_once_and_an_admin_sees_who_has_it(
    school: School, faults: AwsFaults, receiver: EventReceiver
) -> None:
    receiver.received.clear()
    receiver.answers = [410]
    school.run()
    failed = school.stored()
    assert (failed.state, set(failed.done)) == (NoticeState.FAILED, {MOTHER})
    assert "(410)" in failed.reason
    school.run()
    school.run()
    day = f"{failed.day:%d.%m.%Y}"
    assert school.mails() == [(MOTHER, f"Abwesenheit am {day}"), (OFFICE, f"Absences on {failed.day:%d/%m/%Y}: 1")]
    assert [event["id"] for event in receiver.events()] == [failed.delivery_id] * 2
    headers, _ = receiver.received[-1]
    assert headers["Muster-Signature"].startswith("v1=")

    client = school.deployed.client
    (listed,) = client.get("/v1/notices").json()["items"]
    assert (listed["state"], listed["addresses"], listed["webhook"]) == ("sent", [MOTHER], True)
    assert listed["office"] == [{"address": OFFICE, "state": "sent"}]
    assert (listed["name"], listed["attempts"], listed["reason"]) == ("Ada Lovelace", 2, "")
    setup = client.get("/v1/notices/setup").json()
    assert (setup["enabled"], setup["sender"], setup["receiver"]) == (True, SENDER, "localhost")
    busy = [("429 Too Many Requests", {"__type": "TooManyRequestsException", "message": "Rate."})]
    faults.refuse(lambda operation, _: busy.pop() if operation == "SES" and busy else None)
    assert client.post("/v1/notices/test", json={"address": "head@example.edu"}).status_code == 204
    assert school.mails()[-1] == ("head@example.edu", "Test message of the attendance register")
    assert faults.refused.total() == 1
    failing = ("500 Internal Server Error", {"__type": "InternalFailure", "message": "Oops."})
    faults.refuse(lambda operation, _: failing if operation == "SES" else None)
    answered = client.post("/v1/notices/test", json={"address": "head@example.edu"})
    faults.stop()
    assert (answered.status_code, answered.json()["code"]) == (503, "notice_unclear")
    assert faults.refused.total() == 1, "nothing repeats a request that may have been carried out"


def test_a_function_that_dies_before_it_records_a_mail_does_not_send_it_again(
    school: School, faults: AwsFaults, receiver: EventReceiver
) -> None:
    function = school.deployed.functions["notices"]

    def kill(operation: str, _: dict[str, Any]) -> None:
        if operation == "SES":
            function._process.kill()

    faults.refuse(kill)
    with pytest.raises(FunctionError):
        school.run()
    faults.stop()
    del school.deployed.functions["notices"]
    function.stop()
    assert school.mails() == [(MOTHER, f"Abwesenheit am {school.stored().day:%d.%m.%Y}")]
    assert school.stored().state is NoticeState.SENDING
    school.run()
    assert len(school.mails()) == 1
