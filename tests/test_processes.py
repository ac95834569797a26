"""Jobs spread over processes: results in the order of the jobs, and no process is a fork."""

from __future__ import annotations

import operator

import pytest

from confounds import processes
from confounds.processes import spread


def test_one_worker_is_this_process():
    assert spread(operator.add, 1, [1, 2], workers=1) == [2, 3]
    assert spread(operator.add, 1, [], workers=8) == []


def test_results_come_in_order_from_processes_that_are_no_forks(monkeypatch):
    """A fork of a process with threads (Arrow's, BLAS's) may wait for ever, and Python warns."""
    started = []
    pool = processes.ProcessPoolExecutor
    monkeypatch.setattr(
        processes, "ProcessPoolExecutor", lambda *given: started.append(given[:2]) or pool(*given)
    )
    expected = [operator.pow(3, job) for job in range(7)]
    assert spread(operator.pow, 3, range(7), workers=2, chunk=3) == expected
    ((workers, context),) = started
    assert (workers, context.get_start_method() != "fork") == (2, True)
    assert not processes._TOLD


def test_an_error_of_a_job_is_raised_here():
    with pytest.raises(ZeroDivisionError):
        spread(operator.floordiv, 1, [1, 0], workers=2)
