"""The lines of shell that run on the login node, each one question to Slurm, and how its answers are told apart."""

from __future__ import annotations

import re

from labnb.adapters.slurm.script import MARK, TOKEN_END
from labnb.model.errors import ExecutorError, HostError, HostUnreachable
from labnb.ports.host import Finished, Host

# Times as seconds since the epoch, messages in English, and no user's defaults of how tables look.
_PLAIN = "export SLURM_TIME_FORMAT=%s LC_ALL=C; unset SQUEUE_FORMAT SQUEUE_FORMAT2 SQUEUE_STATES SQUEUE_SORT; "
_MINE = 'squeue --noheader --states=all --user="$(id -un)" '

#: What each column of a question to squeue is, and its width.
COLUMNS = (
    ("JobID", 16),
    ("State", 20),
    ("exit_code", 12),
    ("RestartCnt", 8),
    ("SubmitTime", 24),
    ("StartTime", 24),
    ("EndTime", 24),
    ("Reason", 48),
    ("NodeList", 120),
    ("Name", 64),
    ("Comment", 140),
)
LOOK = f"{_PLAIN}{_MINE}--Format={','.join(f'{name}:{width}' for name, width in COLUMNS)}"

# $1 is the comment, $2 the end of the job's name (some sites write comments of their own), $3 its folder, the rest the
# words of sbatch. A job with this comment or name is there if an earlier answer was lost.
# A job gets none of the environment but what it needs to find its user and its cluster: no tokens of a hub.
NOT_ASKED = 75
_SEARCH = f"""
known=$({_MINE} --Format=JobID:16,Name:64,Comment:140) || exit 75
found=$(printf '%s\\n' "$known" | awk -v mark="$1" -v end="$2" '
  $3 == mark || ($3 !~ /^{MARK}/ && substr($2, length($2) - length(end) + 1) == end) {{ print $1; exit }}')
if [ -n "$found" ]; then echo "$found"; exit 0; fi
"""
_ORDER = """
folder=$3; shift 3
case $folder in "~/"*) folder=$HOME/${folder#"~/"};; esac
(umask 077; mkdir -p "$folder") && cd "$folder" || exit 72
unset LC_ALL SLURM_TIME_FORMAT
: "${USER:=$(id -un)}"; : "${LOGNAME:=$USER}"
defaults=$(env | sed -n 's/^\\(SBATCH_[A-Z_]*\\)=.*/\\1/p')
for name in HOME USER LOGNAME SHELL PATH LANG LC_ALL TZ SLURM_CONF $defaults; do
  eval "value=\\${$name-}"
  if [ -n "$value" ]; then set -- "$name=$value" "$@"; fi
done
exec env -i "$@"
"""
SUBMIT_AGAIN = _PLAIN + _SEARCH + _ORDER
SUBMIT = _PLAIN + _ORDER

_ENDED = "COMPLET|FAILED|CANCELLED|TIMEOUT|OUT_OF|NODE_FAIL|BOOT_FAIL|DEADLINE|REVOKED|PREEMPTED"
# Comments and ends of names on stdin, one a line: only what bears one of them is ours, whatever its number is.
CANCEL = f"""{_PLAIN}
known=$({_MINE} --Format=JobID:16,State:20,Name:64,Comment:140) || exit 75
marks=$(mktemp) && cat >"$marks" || exit 75
found=$(printf '%s\\n' "$known" | awk -v file="$marks" '
  BEGIN {{ while ((getline line < file) > 0) mine[line] = 1 }}
  $2 ~ /^({_ENDED})/ {{ next }}
  $4 in mine || ($4 !~ /^{MARK}/ && substr($3, length($3) - {TOKEN_END}) in mine) {{ print $1 }}')
rm -f "$marks"
[ -z "$found" ] || scancel $found
"""

RELEASE = f'{_PLAIN}exec scontrol release "$1"'

SACCT_FIELDS = "JobIDRaw,State,ExitCode,Submit,Start,End,NodeList,MaxRSS,TotalCPU,JobName,Comment"
SACCT = f'{_PLAIN}exec sacct --noheader --parsable2 --duplicates --format={SACCT_FIELDS} --jobs="$1"'

_AWAY = re.compile(
    r"Unable to contact slurm controller|Socket timed out|Connection refused|Zero Bytes|Communication connection"
    r"|Unexpected message|slurm_receive|Slurm backup controller",
    re.IGNORECASE,
)
# After these, the controller may have taken the job all the same.
_LOST = re.compile(r"timed out|Zero Bytes|Communication connection|Unexpected message|slurm_receive", re.IGNORECASE)


def may_be_there(done: Finished) -> bool:
    """Whether a failed sbatch may have submitted its job."""
    return done.code != NOT_ASKED and bool(_LOST.search(done.err.decode(errors="replace")))


def run(host: Host, text: str, *words: str, stdin: bytes = b"", timeout: float = 60.0) -> Finished:
    """Run lines of shell with words behind them."""
    return host.run(["sh", "-c", text, "sh", *words], stdin, timeout)


def text_of(done: Finished, what: str) -> str:
    """Give what a command wrote; raises the error that its failure means."""
    if done.code == 0:
        return done.out.decode(errors="replace")
    raise trouble(done, what)


def trouble(done: Finished, what: str) -> ExecutorError | HostError:
    """Say in our words what Slurm said."""
    said = done.err.decode(errors="replace").strip()
    if done.code == 127 or ("not found" in said and "sbatch" in said):
        return ExecutorError(
            "There is no Slurm on the host.", 'Log in where sbatch is, or set executor = "process" for the target.'
        )
    if _AWAY.search(said):
        return HostUnreachable("Slurm's controller does not answer.", "It will be asked again; sinfo shows its state.")
    if done.code == 72:
        return HostError(f"The job's folder cannot be made: {said}.", "Set folder of the target.")
    lines = [re.sub(r"^(sbatch|squeue|sacct|scancel|scontrol): (error: )?", "", line) for line in said.splitlines()]
    return ExecutorError(f"{what}: {'; '.join(line for line in lines if line)[-600:] or f'exit code {done.code}'}.")
