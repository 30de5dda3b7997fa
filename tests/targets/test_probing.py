"""Trials: what each says of a target, how they are run, and that they clean up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from harness.errors import TargetError
from harness.pipeline import Cloud
from harness.targets.findings import CAPABILITIES, Finding, Findings
from harness.targets.probing import pushes, stores
from harness.targets.probing.bench import Bench, CannotDoIt, CannotTell, Clock, Once
from harness.targets.probing.function import ProbeFunction
from harness.targets.probing.trial import answering, rounds, run, trials_of


class Virtual(Clock):
    """A clock that jumps when somebody sleeps."""

    def __init__(self) -> None:
        self.at_s = 0.0
        super().__init__(lambda: self.at_s, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.at_s += seconds


def a_bench() -> Bench:
    return Bench(Cloud("us-east-1", {}, "test", "test"), token="t0", clock=Virtual())


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Against moto, in this process."""
    with mock_aws():
        yield a_bench()


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "CreateThing")


def one(trial: Callable[[], str]) -> Finding:
    (found,) = run(a_bench(), {"s3": trial}, within_s=60)
    return found


def test_there_is_a_trial_of_every_capability() -> None:
    assert {"answers", *trials_of(a_bench())} == set(CAPABILITIES)


@pytest.mark.parametrize(
    ("why", "can", "detail"),
    [
        (CannotDoIt("it came twice"), False, "it came twice"),
        (CannotTell("too early"), None, "too early"),
        (refused("InternalFailure"), False, "CreateThing: InternalFailure no"),
        (KeyError("Table"), False, "an answer is not of AWS's form: KeyError 'Table'"),
        (ConnectionResetError("reset"), False, "reset"),
    ],
)
def test_what_a_trial_ends_with_is_what_was_found(why: Exception, can: bool | None, detail: str) -> None:
    def trial() -> str:
        raise why

    found = one(trial)
    assert (found.can, found.detail) == (can, detail)


def test_a_trial_that_succeeds_says_what_it_saw() -> None:
    found = one(lambda: "it is there")
    assert (found.can, found.detail) == (True, "it is there")


def test_one_that_does_not_end_is_not_known_and_keeps_nobody_waiting() -> None:
    held = threading.Event()

    def trial() -> str:
        held.wait(60)
        return "late"

    try:
        found = {
            each.name: each for each in run(a_bench(), {"sqs": trial, "s3": lambda: "there"}, within_s=0.2)
        }
    finally:
        held.set()
    assert (found["sqs"].can, found["s3"].can) == (None, True)
    assert list(found) == ["s3", "sqs"]  # in the order of CAPABILITIES


def tried(*answers: Any) -> tuple[tuple[Finding, ...], list[Bench]]:
    """Rounds of one trial, which ends with the next of `answers` each time."""
    benches: list[Bench] = []
    coming = iter(answers)

    def bench_of() -> Bench:
        benches.append(a_bench())
        return benches[-1]

    def trial() -> str:
        answer = next(coming)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    found, left_behind = rounds(bench_of, lambda _: {"s3": trial}, within_s=60)
    assert left_behind == ()
    return found, benches


LATE = ReadTimeoutError(endpoint_url="http://x")


def test_an_answer_that_did_not_come_in_time_is_asked_for_once_more_from_the_beginning() -> None:
    (found,), benches = tried(LATE, "an object is there")
    assert (found.can, found.detail, len(benches)) == (True, "an object is there", 2)


def test_none_in_time_twice_is_no() -> None:
    (found,), benches = tried(LATE, LATE)
    assert (found.can, len(benches)) == (False, 2)
    assert found.detail.endswith(", twice")


@pytest.mark.parametrize("answer", ["there", CannotDoIt("no"), CannotTell("too early"), refused("Broken")])
def test_what_was_found_out_is_not_tried_again(answer: Any) -> None:
    _, benches = tried(answer)
    assert len(benches) == 1


def test_an_interrupted_round_takes_away_what_it_made(monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[str] = []

    def interrupted(bench: Bench, *_: Any) -> None:
        bench.afterwards("the table", lambda: gone.append("table"))
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.targets.probing.trial.run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tried("never asked")
    assert gone == ["table"]


def test_what_is_made_when_nobody_waits_any_more_goes_at_once() -> None:
    bench, gone = a_bench(), list[str]()
    bench.take_away()
    bench.afterwards("the table", lambda: gone.append("table"))
    assert gone == ["table"]


def test_what_was_made_is_taken_away_the_last_first() -> None:
    bench, gone = a_bench(), list[str]()
    bench.afterwards("the function", lambda: gone.append("function"))
    bench.afterwards("its mapping", lambda: gone.append("mapping"))
    bench.take_away()
    bench.take_away()
    assert gone == ["mapping", "function"]


def test_what_cannot_be_taken_away_is_told_and_the_rest_is() -> None:
    bench, gone = a_bench(), list[str]()

    def stuck() -> None:
        raise refused("DeleteConflict")

    def gone_already() -> None:
        raise refused("ResourceNotFoundException")

    bench.afterwards("the role", lambda: gone.append("role"))
    bench.afterwards("the policy", stuck)
    bench.afterwards("the log", gone_already)
    bench.take_away()
    assert gone == ["role"]
    assert bench.left_behind == ["the policy (CreateThing: DeleteConflict no)"]


def test_waiting_ends() -> None:
    bench = a_bench()
    with pytest.raises(CannotDoIt, match="nothing came within 3 s"):
        bench.until(lambda: None, "nothing came", 3)
    answers = iter([None, None, "there"])
    assert bench.until(lambda: next(answers), "nothing came", 3) == "there"


def test_what_several_need_is_made_once_and_so_is_its_failure() -> None:
    made: list[int] = []

    def make() -> int:
        made.append(1)
        raise CannotDoIt("no role")

    thing = Once(make)
    for _ in range(2):
        with pytest.raises(CannotDoIt, match="no role"):
            thing()
    assert made == [1]


@pytest.mark.parametrize("trial", [stores.s3, stores.sqs, stores.ssm, stores.dynamodb, stores.kinesis])
def test_stores_pass_on_moto_and_are_left_empty(bench: Bench, trial: Callable[[Bench], str]) -> None:
    assert trial(bench)
    bench.take_away()
    assert bench.left_behind == []
    assert bench.client("s3").list_buckets()["Buckets"] == []
    assert bench.client("sqs").list_queues().get("QueueUrls", []) == []
    assert bench.client("dynamodb").list_tables()["TableNames"] == []
    assert bench.client("kinesis").list_streams()["StreamNames"] == []


def test_a_store_that_forgets_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    dynamodb = bench.client("dynamodb")
    monkeypatch.setattr(dynamodb, "put_item", lambda **_: {})
    with pytest.raises(CannotDoIt, match="an item is not what was put"):
        stores.dynamodb(bench)


def test_a_condition_that_stops_nothing_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    dynamodb = bench.client("dynamodb")
    put = dynamodb.put_item

    def without_condition(**asked: Any) -> Any:
        asked.pop("ConditionExpression", None)
        return put(**asked)

    monkeypatch.setattr(dynamodb, "put_item", without_condition)
    with pytest.raises(CannotDoIt, match="does not stop a write"):
        stores.dynamodb(bench)


def test_a_queue_that_does_not_hide_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    message = {"Messages": [{"Body": "kept", "ReceiptHandle": "h"}]}
    monkeypatch.setattr(bench.client("sqs"), "receive_message", lambda **_: message)
    with pytest.raises(CannotDoIt, match="received again at once"):
        stores.sqs(bench)


def test_cognito_passes_where_tokens_are_signed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "RS256" in pushes.cognito(bench)
    unsigned = {"AuthenticationResult": {"IdToken": "eyJhbGciOiJub25lIn0.e30."}}
    monkeypatch.setattr(bench.client("cognito-idp"), "initiate_auth", lambda **_: unsigned)
    with pytest.raises(CannotDoIt, match="not signed as Cognito signs: none, 0 bytes"):
        pushes.cognito(bench)


def test_a_graphql_api_at_aws_is_not_called_for_an_endpoint() -> None:
    bench = Bench(Cloud("us-east-1", {"": "http://127.0.0.1:1"}, "test", "test"), clock=Virtual())
    graphql = pushes.ProbeGraphql(bench)
    uris = {"GRAPHQL": "https://x.appsync-api.us-east-1.amazonaws.com/graphql", "REALTIME": "wss://x"}
    graphql._api = Once(lambda: {"uris": uris, "key": "k"})
    with pytest.raises(CannotDoIt, match="would be at AWS"):
        graphql.query()


def test_a_function_that_tells_in_its_log_alone_is_heard(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    function = ProbeFunction(bench)
    monkeypatch.setattr(function, "log", lambda: ['launchday-probe saw ["record-1"]'])
    assert function.told("record-1") is True
    assert function.told("record-2") is None


def test_nothing_that_answers_is_one_sentence() -> None:
    bench = Bench(Cloud("us-east-1", {"": "http://127.0.0.1:9"}, "test", "test"))
    with pytest.raises(TargetError, match=r"No AWS answers at http://127.0.0.1:9: .*Start it"):
        answering(bench)


def test_a_server_that_is_no_aws_is_one_sentence() -> None:
    with pushes._listening() as (url, _):  # it answers 200, and nothing
        bench = Bench(Cloud("us-east-1", {"": url}, "test", "test"))
        with pytest.raises(TargetError, match="No AWS answers at"):
            answering(bench)


@pytest.mark.parametrize(
    "answer", [b"<html><p>501</html>", b"{}", b"", b"<a><Error><Code>Odd</Code></Error></a>"]
)
@pytest.mark.parametrize("status", [200, 501])
def test_what_is_not_of_awss_form_is_one_sentence(answer: bytes, status: int) -> None:
    bench = Bench(Cloud("us-east-1", {"": "http://127.0.0.1:9"}, "test", "test"))

    def answers(request: Any, **_: Any) -> AWSResponse:
        response = AWSResponse(request.url, status, {}, None)
        response._content = answer
        return response

    bench.client("sts").meta.events.register("before-send.sts.*", answers)
    with pytest.raises(TargetError, match="No AWS answers at"):
        answering(bench)


def test_findings_tell_what_is_lacking_and_only_that() -> None:
    findings = Findings(
        (Finding("s3", True, ""), Finding("sqs", False, "it forgets"), Finding("ssm", None, "late"))
    )
    lacking = findings.lacking({"s3": "the archive", "sqs": "letters", "ssm": "names"})
    assert [(each.name, needed_for) for each, needed_for in lacking] == [("sqs", "letters")]
    assert (findings.can("s3"), findings.can("ssm"), findings.can("kinesis")) == (True, None, None)
    assert findings.to_json()["found"][1] == {
        "name": "sqs",
        "can": False,
        "detail": "it forgets",
        "took_s": 0.0,
    }
