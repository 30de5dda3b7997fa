"""Runs the trials, all at once and bounded, and takes away what they made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

from harness.errors import TargetError
from harness.pipeline import Cloud
from harness.targets.findings import CAPABILITIES, Finding, Findings
from harness.targets.probing import functions, pushes, stores
from harness.targets.probing.apis import ProbeApi
from harness.targets.probing.bench import Bench, CannotDoIt, CannotTell, said
from harness.targets.probing.function import ProbeFunction

WITHIN_S = 22.0
CLEANED_WITHIN_S = 15.0

Trial = Callable[[], str]


def trials_of(bench: Bench) -> dict[str, Trial]:
    """A trial of each of CAPABILITIES but `answers`, which goes before them."""
    function, graphql = ProbeFunction(bench), pushes.ProbeGraphql(bench)
    api = ProbeApi(bench, function)
    return {
        "s3": partial(stores.s3, bench),
        "sqs": partial(stores.sqs, bench),
        "ssm": partial(stores.ssm, bench),
        "dynamodb": partial(stores.dynamodb, bench),
        "kinesis": partial(stores.kinesis, bench),
        "lambda": partial(functions.runs, function),
        "lambda.sdk": partial(functions.sdk, function),
        "lambda.boto3": partial(functions.boto3, function),
        "lambda.async": partial(functions.failed_asynchronously, bench, function),
        "kinesis.mapping": partial(functions.kinesis_mapping, bench, function),
        "dynamodb.mapping": partial(functions.dynamodb_mapping, bench, function),
        "apigateway.mapping": api.mapping,
        "apigateway.authorizer": api.authorizer,
        "apigateway.proxy": api.proxy,
        "sns.http": partial(pushes.sns_http, bench),
        "cognito": partial(pushes.cognito, bench),
        "appsync": graphql.query,
        "appsync.subscription": graphql.subscription,
        "logs": partial(functions.logs, bench, function),
        "metrics": partial(functions.metrics, bench, function),
    }


def probe(cloud: Cloud) -> Findings:
    """Try everything out. Raises TargetError when nothing answers at all."""
    account = answering(Bench(cloud))
    found, left_behind = rounds(partial(Bench, cloud), trials_of)
    return Findings((Finding("answers", True, account), *found), left_behind)


def rounds(
    bench_of: Callable[[], Bench],
    trials_on: Callable[[Bench], Mapping[str, Trial]],
    within_s: float = WITHIN_S,
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """What was found, and what was left behind. What was not known in time is tried once more, from the
    beginning: a service that was asked for the first time may have had to be loaded. Nothing in time twice
    is no."""
    left_behind: list[str] = []

    def a_round(wanted: Collection[str] | None) -> tuple[Finding, ...]:
        bench = bench_of()
        trials = {name: each for name, each in trials_on(bench).items() if wanted is None or name in wanted}
        try:
            return run(bench, trials, within_s)
        finally:  # somebody may press Ctrl-C meanwhile
            left_behind.extend(_take_away(bench))

    found = {each.name: each for each in a_round(None)}
    late = [name for name, each in found.items() if each.late]
    if late:
        for each in a_round(late):
            twice = replace(each, can=False, detail=f"{each.detail}, twice") if each.late else each
            found[each.name] = twice
    return tuple(found.values()), tuple(left_behind)


def answering(bench: Bench) -> str:
    """Whose account it is. Raises TargetError when it does not say."""
    where = bench.cloud.endpoint("sts") or "AWS"
    try:
        return stores.answers(bench)
    except Exception as why:  # whatever comes of an answer that may be of anything
        raise TargetError(
            f"No AWS answers at {where}: {said(why)}.", "Start it, or give its address with --endpoint-url."
        ) from why


def run(bench: Bench, trials: Mapping[str, Trial], within_s: float = WITHIN_S) -> tuple[Finding, ...]:
    """What each trial found, in the order of CAPABILITIES. One that has not ended after `within_s` is not
    known; its thread is let be, as its calls have timeouts."""
    found: dict[str, Finding] = {}
    started_s = bench.clock.now_s()

    def one(name: str, trial: Trial) -> None:
        began_s = bench.clock.now_s()
        can, detail, late = _outcome(trial)
        found[name] = Finding(name, can, detail, bench.clock.now_s() - began_s, late)

    threads = {
        name: threading.Thread(target=one, args=(name, trial), daemon=True, name=f"probe {name}")
        for name, trial in trials.items()
    }
    for thread in threads.values():
        thread.start()
    for thread in threads.values():
        thread.join(max(0.0, started_s + within_s - bench.clock.now_s()))
    late = f"nothing was known after {within_s:.0f} s"
    ended = dict(found)
    return tuple(
        ended.get(name) or Finding(name, None, late, within_s, late=True)
        for name in CAPABILITIES
        if name in trials
    )


def _outcome(trial: Trial) -> tuple[bool | None, str, bool]:
    """Whether the target can, what was seen, and whether an answer that did not come in time is all of it."""
    try:
        return True, trial(), False
    except CannotTell as why:
        return None, str(why), False
    except CannotDoIt as why:
        return False, str(why), False
    except (ReadTimeoutError, ConnectTimeoutError) as why:
        return None, said(why), True
    except (BotoCoreError, ClientError, OSError) as why:
        return False, said(why), False
    except Exception as why:  # an answer that has not the form of AWS's
        return False, f"an answer is not of AWS's form: {type(why).__name__} {said(why)}", False


def _take_away(bench: Bench) -> tuple[str, ...]:
    """Take away what the trials made. What takes too long is said to be left behind."""
    thread = threading.Thread(target=bench.take_away, daemon=True, name="probe clean-up")
    thread.start()
    thread.join(CLEANED_WITHIN_S)
    if thread.is_alive():
        return (*bench.left_behind, f"perhaps more of {bench.name('*')}: it was not taken away in time")
    return tuple(bench.left_behind)
