"""What an environment's process runs first: `python bootstrap.py <client> <handler> <parent pid> [<path>]`.

It puts the function's folder where AWS has it on sys.path, sees to it that the process ends with its parent,
and gives over to the runtime client: `awslambdaric` (AWS's own, Linux) or `builtin` (ours).
With a path (folders, written as PYTHONPATH is) modules come from the function's folder, from there and from
the standard library only; Python was started without its `site` (-S) then.
This file runs as a script, apart from the package it lies in.
"""

import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
NICENESS = 5


def _end_with_parent(parent_pid: int) -> None:
    if sys.platform == "linux":
        import ctypes
        import signal

        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1)  # what is orphaned stays a descendant, and is found at the end
    if os.getppid() != parent_pid:  # it died before we asked
        os._exit(1)


def _give_way() -> None:
    """Let whoever invokes go before what is invoked, on a machine that has fewer cores than environments: on
    AWS they share none. Linux weighs sessions against each other, so the session's group is told too."""
    os.nice(NICENESS)
    try:
        with open("/proc/self/autogroup", "w") as group:  # noqa: PTH123 - pathlib costs start-up time
            group.write(str(NICENESS))
    except OSError:
        pass  # another system, or another kernel


def _set_path(between: list[str]) -> str:
    """The function's folder comes first, then what is `between`; the folders of this script and of the
    program that started it go."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib costs start-up time
    program = here.split(f"{os.sep}harness{os.sep}", 1)[0]
    kept = [entry for entry in sys.path if entry not in (here, program)]
    sys.path[:] = [os.environ["LAMBDA_TASK_ROOT"], *between, *kept]
    return here


def _add_builtins() -> None:
    """`exit`, `quit`, `help` and the like are builtins by `site`."""
    import site

    site.setquit()
    site.setcopyright()
    site.sethelper()


def main() -> None:
    """Never returns while the environment lives."""
    client, handler, parent_pid = sys.argv[1], sys.argv[2], int(sys.argv[3])
    _end_with_parent(parent_pid)
    _give_way()
    here = _set_path(list(filter(None, sys.argv[4].split(os.pathsep))) if sys.argv[4:] else [])
    if sys.flags.no_site:
        _add_builtins()
    if client == "awslambdaric":
        from awslambdaric.__main__ import main as run

        run(["awslambdaric", handler])
    else:
        import importlib.util

        path = os.path.join(here, "runtime_client.py")  # noqa: PTH118
        spec = importlib.util.spec_from_file_location("_lambda_runtime_client", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.main(handler)


if __name__ == "__main__":
    main()
