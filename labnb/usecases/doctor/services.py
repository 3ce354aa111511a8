"""The checks of what lies outside: DVC and its remotes, the lab's tracking server, the targets of jobs."""

from __future__ import annotations

from collections.abc import Iterator

from labnb.model.health import Check, DvcProject, Facts, Remote, ServerFacts, TargetFacts
from labnb.usecases.doctor.lines import fail, ok, warn


def check_services(facts: Facts) -> Iterator[Check]:
    """Say how each of them is."""
    yield from _dvc(facts)
    for server in facts.servers:
        yield _server(server)
    for target in facts.targets:
        yield _target(target)


def _dvc(facts: Facts) -> Iterator[Check]:
    if facts.dvc_version is None:
        yield fail("dvc", "DVC is not installed.", 'pip install "dvc>=3.60"')
    else:
        yield ok("dvc", f"DVC {facts.dvc_version}.")
    for project in facts.dvc:
        if project.problem:
            yield fail("dvc project", project.problem, "Correct the file; `dvc config --list` must read it.")
        elif not project.remotes:
            yield warn(
                "dvc project", f"{project.root} has no remote: its data are on this machine alone.", "dvc remote add"
            )
        for remote in project.remotes:
            yield _remote(project, remote)
    known = sorted({remote.name for project in facts.dvc for remote in project.remotes})
    if facts.data_remote and facts.data_remote not in known:
        there = f"There are: {', '.join(known)}." if known else f"dvc remote add {facts.data_remote} ADDRESS"
        yield fail("data remote", f"labnb.toml names the DVC remote {facts.data_remote!r}; there is none.", there)


def _remote(project: DvcProject, remote: Remote) -> Check:
    where = f"The remote {remote.name} of {project.root} is at {remote.url}"
    if remote.missing:
        what = f"{where}, which DVC cannot use: {remote.missing} is missing."
        return fail("dvc remote", what, f"pip install {remote.missing}")
    if remote.reachable is False:
        network = "://" in remote.url and not remote.url.startswith("file:")
        hint = "Is the network there, or the VPN?" if network else "Is it mounted?"
        why = "which does not answer" if network else "which is not there"
        return fail("dvc remote", f"{where}, {why}.", f"{hint} dvc remote modify changes the address.")
    if remote.writable is False:
        return warn("dvc remote", f"{where}, which you may not write to.", "dvc push needs the right to write there.")
    asked = "" if remote.reachable else " (on the network, not asked)"
    return ok("dvc remote", f"{remote.name} of {project.root}: {remote.url}{asked}.")


def _server(server: ServerFacts) -> Check:
    if server.problem:
        return fail("tracking server", server.problem, server.hint or "labnb sync asks it again.")
    version = f", MLflow {server.version}" if server.version else ""
    ours, theirs = server.client.partition(".")[0], server.version.partition(".")[0]
    if theirs.isdigit() and ours.isdigit() and int(theirs) < int(ours):
        return warn(
            "tracking server",
            f"{server.address} answers{version}; MLflow here is {server.client}.",
            f"Logged models need MLflow {ours} there as well: update the server. Everything else is published.",
        )
    return ok("tracking server", f"{server.address} answers and lets you in{version}.")


def _target(target: TargetFacts) -> Check:
    if target.problem:
        return fail("target", f"[targets.{target.name}]: {target.problem}", target.hint)
    place = target.host or "this machine"
    return ok("target", f"{target.name}: {target.executor} on {place}. labnb targets test {target.name} tries it.")
