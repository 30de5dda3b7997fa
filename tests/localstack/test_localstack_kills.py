"""Nothing of functions is left when one of the processes that they hang on is killed.

Needs LocalStack's environment (see conftest.py); each test starts a LocalStack of its own."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from harness.aws.limits.profiles import ESTABLISHED
from harness.targets.local import local_cloud
from harness.targets.localstack.environment import Environment
from harness.targets.localstack.launch import LocalStack
from tests.localstack.made import ROLE, zipped
from tests.processes import gone, lives

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("localstack")]

LEAVES = """
import os, subprocess, sys
LEFT = "import os, time; open({pids!r}, 'a').write(f'{{os.getpid()}} '); time.sleep(300)"
DAEMON = f"import os; os.fork() and os._exit(0); os.setsid(); {{LEFT}}"
def handler(event, context):
    for program in (LEFT, DAEMON):
        subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    while not os.path.exists({pids!r}) or len(open({pids!r}).read().split()) < 2:
        pass
    return os.getpid()
"""


def the_one(supervisor: int, word: str) -> int:
    children = psutil.Process(supervisor).children()
    (found,) = [child.pid for child in children if any(word in each for each in child.cmdline())]
    return found


@pytest.mark.parametrize("who", ["launcher.py", "harness.emulator.companion", "supervisor"])
def test_nothing_is_left_when_one_is_killed(
    localstack_environment: Environment, tmp_path: Path, who: str
) -> None:
    aws = LocalStack(
        localstack_environment,
        port=0,
        data_dir=tmp_path / "data",
        logs_dir=tmp_path / "logs",
        limits=ESTABLISHED,
    )
    with aws:
        supervisor = aws.pid
        client = local_cloud({"": aws.endpoints[""]}).client("lambda")
        pids = tmp_path / "pids"
        client.create_function(
            FunctionName="leaves",
            Runtime="python3.13",
            Role=ROLE,
            Handler="app.handler",
            Timeout=60,
            Code={"ZipFile": zipped(LEAVES.format(pids=str(pids)))},
        )
        client.get_waiter("function_active_v2").wait(FunctionName="leaves", WaiterConfig={"Delay": 1})
        function = json.loads(client.invoke(FunctionName="leaves")["Payload"].read())
        left = [int(each) for each in pids.read_text().split()]
        started = [child.pid for child in psutil.Process(supervisor).children(recursive=True)]
        assert function in started
        os.kill(supervisor if who == "supervisor" else the_one(supervisor, who), signal.SIGKILL)
        everything = {supervisor, function, *left, *started}
        gone(*everything, within_s=45)
        assert not [" ".join(psutil.Process(pid).cmdline()) for pid in everything if lives(pid)]
