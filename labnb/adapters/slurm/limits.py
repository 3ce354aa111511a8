"""What a cluster allows: partitions with their limits and nodes, accounts; compared with what is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from labnb.adapters.slurm.commands import run, text_of
from labnb.model.errors import nearest
from labnb.model.resources import Resources
from labnb.model.run import Note
from labnb.ports.host import Host

# Partitions, their kinds of nodes, and, where there is accounting, whom the user may charge: one call.
_ASK = """export LC_ALL=C
scontrol --oneliner show partition || exit
echo ==
sinfo --noheader --all --format='%R|%c|%m|%G|%D|%f' || exit
echo ==
sacctmgr --noheader --parsable2 show assoc user="$(id -un)" format=Account,QOS 2>/dev/null
true
"""
_MEBIBYTE = 1 << 20
_NO_LIMIT = ("UNLIMITED", "INFINITE", "NONE", "ALL", "(null)", "")


@dataclass(frozen=True, slots=True)
class NodeKind:
    """Nodes that are alike: how many, and what one of them has; memory in bytes."""

    cpus: int
    memory: int
    gpus: int
    count: int
    features: tuple[str, ...]


@dataclass
class Partition:
    """A partition: limits in seconds and nodes, None where there is none."""

    name: str
    default: bool
    up: bool
    seconds: int | None
    nodes: int | None
    accounts: tuple[str, ...]
    kinds: list[NodeKind] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a cluster offers; `accounts` and `qos` are empty where there is no accounting."""

    partitions: dict[str, Partition]
    accounts: tuple[str, ...]
    qos: tuple[str, ...]


def check(host: Host, asked: Resources) -> tuple[Note, ...]:
    """Say what speaks against a job that asks for this."""
    return tuple(objections(parse(text_of(run(host, _ASK), "Slurm does not tell what it allows")), asked))


def objections(cluster: Cluster, asked: Resources) -> Iterator[Note]:
    """Compare; a partition list ("a,b") is good if one of it is."""
    if asked.account and cluster.accounts and asked.account not in cluster.accounts:
        yield _note(f"You have no account {asked.account!r}", nearest(asked.account, cluster.accounts))
    if asked.qos and cluster.qos and asked.qos not in cluster.qos:
        yield _note(f"You have no qos {asked.qos!r}", nearest(asked.qos, cluster.qos))
    chosen = []
    for name in (asked.partition or "").split(",") if asked.partition else _defaults(cluster):
        if name not in cluster.partitions:
            yield _note(f"There is no partition {name!r}", nearest(name, cluster.partitions))
            return
        chosen.append(cluster.partitions[name])
    if not chosen:
        hint = nearest("", cluster.partitions)
        yield _note("The cluster has no default partition, and none is asked for", hint)
        return
    against = [list(_against(partition, asked)) for partition in chosen]
    if all(against):
        yield from against[0]


def parse(text: str) -> Cluster:
    """Read the answer."""
    shown, kinds, rights = [*text.split("==\n"), "", ""][:3]
    partitions = {}
    for line in shown.splitlines():
        facts = dict(re.findall(r"(\w+)=(\S*)", line))
        if "PartitionName" in facts:
            partition = Partition(
                name=facts["PartitionName"],
                default=facts.get("Default") == "YES",
                up=facts.get("State", "UP") == "UP",
                seconds=_seconds(facts.get("MaxTime", "")),
                nodes=_number(facts.get("MaxNodes", "")),
                accounts=()
                if facts.get("AllowAccounts", "ALL") in _NO_LIMIT
                else tuple(facts["AllowAccounts"].split(",")),
            )
            partitions[partition.name] = partition
    for line in kinds.splitlines():
        name, cpus, memory, gres, count, features = [*line.split("|"), *[""] * 6][:6]
        if name in partitions:
            kind = NodeKind(
                cpus=_number(cpus) or 0,
                memory=(_number(memory) or 0) * _MEBIBYTE,
                gpus=sum(int(number) for number in re.findall(r"gpu(?::[\w.-]+)?:(\d+)", gres)),
                count=_number(count) or 0,
                features=tuple(features.split(",")) if features not in _NO_LIMIT else (),
            )
            partitions[name].kinds.append(kind)
    pairs = [line.split("|") for line in rights.splitlines() if "|" in line]
    accounts = tuple(sorted({pair[0] for pair in pairs if pair[0]}))
    qos = tuple(sorted({word for pair in pairs for word in pair[1].split(",") if word}))
    return Cluster(partitions, accounts, qos)


def _against(partition: Partition, asked: Resources) -> Iterator[Note]:
    name = partition.name
    if not partition.up:
        yield _note(f"Partition {name} takes no jobs at present", "sinfo shows the state of the others.")
    if asked.time and partition.seconds is not None and asked.time > partition.seconds:
        yield _note(
            f"time: {_clock(asked.time)} asked for, and partition {name} gives at most {_clock(partition.seconds)}"
        )
    if asked.nodes and partition.nodes is not None and asked.nodes > partition.nodes:
        yield _note(f"nodes: {asked.nodes} asked for, and partition {name} gives at most {partition.nodes}")
    if asked.account and partition.accounts and asked.account not in partition.accounts:
        yield _note(
            f"Partition {name} is not open to account {asked.account}", nearest(asked.account, partition.accounts)
        )
    if not partition.kinds:
        return
    have = {
        "cpus": max(kind.cpus for kind in partition.kinds),
        "gpus": max(kind.gpus for kind in partition.kinds),
        "memory": max(kind.memory for kind in partition.kinds),
        "nodes": sum(kind.count for kind in partition.kinds),
    }
    single = False
    for what, most in have.items():
        wanted = getattr(asked, what)
        if wanted and wanted > most:
            single = True
            amounts = f"{wanted / 1e9:.3g} GB", f"{most / 1e9:.3g} GB"
            wanted_text, most_text = amounts if what == "memory" else (str(wanted), str(most))
            where = (
                f"partition {name} has {most_text}" if what == "nodes" else f"a node of {name} has at most {most_text}"
            )
            yield _note(f"{what}: {wanted_text} asked for, and {where}")
    if not single and not any(_fits(kind, asked) for kind in partition.kinds):
        yield _note(f"No node of partition {name} has all that is asked for at once")


def _fits(kind: NodeKind, asked: Resources) -> bool:
    simple = asked.constraint and re.fullmatch(r"[\w.-]+", asked.constraint)
    return (
        (asked.cpus or 0) <= kind.cpus
        and (asked.gpus or 0) <= kind.gpus
        and (asked.memory or 0) <= kind.memory
        and (not simple or asked.constraint in kind.features)
    )


def _defaults(cluster: Cluster) -> list[str]:
    return [partition.name for partition in cluster.partitions.values() if partition.default]


def _note(message: str, hint: str = "Ask for less, or name another partition.") -> Note:
    return Note("resources", f"{message}.", hint)


def _number(text: str) -> int | None:
    found = re.match(r"\d+", text)
    return int(found[0]) if found else None


def _seconds(text: str) -> int | None:
    """Read "1-00:00:00" or "01:00:00".

    >>> _seconds("1-00:00:00"), _seconds("UNLIMITED")
    (86400, None)
    """
    if text in _NO_LIMIT:
        return None
    days, _, clock = text.rpartition("-")
    seconds = 0
    for part in clock.split(":"):
        seconds = seconds * 60 + int(part)
    return int(days or 0) * 86400 + seconds


def _clock(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    return (f"{days}-" if days else "") + f"{rest // 3600}:{rest % 3600 // 60:02}:{rest % 60:02}"
