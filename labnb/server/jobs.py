"""Jobs: listed, looked at, ended and repeated. Their logs and outputs are those of their runs."""

from __future__ import annotations

from labnb.model.api import Accepted
from labnb.model.api_data import JobItem, JobPage, JobsQuery
from labnb.server.operation import Ask, Operation


def list_jobs(ask: Ask) -> JobPage:
    """Give a page of jobs, newest first."""
    return ask.shelf.jobs.page(ask.query)


def get_job(ask: Ask) -> JobItem:
    """Give one job."""
    return ask.shelf.jobs.job(ask.path["job"])


def cancel_job(ask: Ask) -> Accepted:
    """Leave word that the job is to be ended."""
    return ask.shelf.jobs.cancel(ask.path["job"], ask.user)


def retry_job(ask: Ask) -> Accepted:
    """Submit the job once more."""
    return ask.shelf.jobs.retry(ask.path["job"])


OPERATIONS = (
    Operation("GET", "jobs", "list_jobs", list_jobs, JobPage, "The jobs of a project, newest first.", query=JobsQuery),
    Operation("GET", "jobs/{job}", "get_job", get_job, JobItem, "One job."),
    Operation("POST", "jobs/{job}/cancel", "cancel_job", cancel_job, Accepted, "End a job.", status=202),
    Operation("POST", "jobs/{job}/retry", "retry_job", retry_job, Accepted, "Submit a job once more.", status=202),
)
