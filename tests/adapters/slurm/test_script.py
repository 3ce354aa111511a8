"""What is said to sbatch, without a cluster."""

from __future__ import annotations

import pytest

from labnb.adapters.slurm.script import resource_words, script, words
from labnb.model.errors import ExecutorError
from labnb.model.resources import Resources
from labnb.ports.executor import Order

PLAIN = Order(name="fit", token="c0ffee" * 5, folder="/work/x", command=("python3", "run me"), log="/work/x/job/log")


def test_the_words_of_a_plain_job() -> None:
    assert words(PLAIN) == [
        "sbatch",
        "--parsable",
        f"--comment=labnb:{'c0ffee' * 5}",
        "--job-name=fit.c0ffeec0ffee",
        "--open-mode=append",
        "--output=job/log",
        "--signal=B:USR2@60",
        "--requeue",
    ]


def test_resources_in_slurms_words() -> None:
    asked = Resources.parse(
        {
            "cpus": 4,
            "gpus": 2,
            "memory": "8G",
            "time": "1:30:05",
            "nodes": 2,
            "partition": "gpu,long",
            "account": "bio",
            "qos": "high",
            "constraint": "a100&nvme",
            "options": ["--exclusive", "--mail-type END"],
        }
    )
    assert resource_words(asked) == [
        "--nodes=2",
        "--ntasks-per-node=1",
        "--cpus-per-task=4",
        "--gres=gpu:2",
        "--mem=7630M",
        "--time=90:05",
        "--partition=gpu,long",
        "--account=bio",
        "--qos=high",
        "--constraint=a100&nvme",
        "--exclusive",
        "--mail-type",
        "END",
    ]


@pytest.mark.parametrize("option", ["--comment=x", "--output x", "-o", "-J x", "--wrap=rm", "--array=1-9", "-D/tmp"])
def test_options_that_are_labnbs_own(option: str) -> None:
    with pytest.raises(ExecutorError, match=r"is labnb's own"):
        resource_words(Resources(options=(option,)))


def test_grace_never_exceeds_the_time() -> None:
    short = Order(**{**as_dict(PLAIN), "resources": Resources(time=60), "grace": 90})
    assert "--signal=B:USR2@30" in words(short)


def test_a_script_without_setup_starts_no_login_shell() -> None:
    assert script(PLAIN) == "#!/bin/bash\ncd /work/x || exit 72\nexec python3 'run me'\n"


def test_a_script_with_setup_and_odd_names() -> None:
    odd = Order(
        name="näme \n$(id)",
        token="t" * 32,
        folder="~/it's 50% $(x)",
        command=("~/env/bin/python", "a\nb", "$HOME"),
        log="~/it's 50% $(x)/log",
        setup=("module load cuda",),
        resources=Resources(cpus=2),
        after=("7", "8"),
    )
    assert script(odd).splitlines()[:6] == [
        "#!/bin/bash -l",
        "cd \"$HOME\"/'it'\"'\"'s 50% $(x)' || exit 72",
        "exec >>\"$HOME\"/'it'\"'\"'s 50% $(x)/log' 2>&1",
        "export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}",
        "module load cuda",
        'exec "$HOME"/env/bin/python \'a',
    ]
    said = words(odd)
    assert "--output=/dev/null" in said
    assert "--job-name=n-me----id-.tttttttttttt" in said
    assert said[said.index("--dependency=afterok:7:8") + 1] == "--kill-on-invalid-dep=yes"


def as_dict(order: Order) -> dict[str, object]:
    return {name: getattr(order, name) for name in Order.__slots__}
