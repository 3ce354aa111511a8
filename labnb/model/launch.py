"""How a job's runner is started on its target: lines of shell before it, and the words of its command."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from labnb.model.errors import ConfigError
from labnb.model.target import Target

UV = "uv"
ANY_PYTHON = "python3"
#: Exit code of a job whose environment cannot be built; the last line that it printed says why.
NOT_PREPARED = 78
_APPTAINER = 'command -v apptainer >/dev/null 2>&1 && exec apptainer "$@"; exec singularity "$@"'

# Reads lock, folder, wanted Python and base interpreter from variables. What is whole is marked so last: a build that
# was killed leaves nothing that looks whole. Who finds another's build under way waits for it, as long as the builder
# is seen to live: here by its number, on another node by the time of the lock, which the builder keeps fresh.
_BUILD = """\
labnb_note() { echo "labnb: $*" >&2; }
# That the end of its time is near is told to the job by a signal which would end this shell.
trap "" USR2
if [ ! -e "$labnb_env/.whole" ]; then
  mkdir -p "$(dirname "$labnb_env")"
  while ! ln -s "$(uname -n):$$" "$labnb_env.lock" 2>/dev/null; do
    labnb_owner=$(readlink "$labnb_env.lock" || true)
    if [ "${labnb_owner%%:*}" = "$(uname -n)" ] && ! kill -0 "${labnb_owner##*:}" 2>/dev/null \\
      || [ -n "$(find "$labnb_env.lock" -maxdepth 0 -mmin +2 2>/dev/null)" ]; then
      [ "$labnb_owner" = "$(readlink "$labnb_env.lock")" ] && rm -f "$labnb_env.lock"
    fi
    [ -e "$labnb_env/.whole" ] && break
    sleep 0.5
  done
fi
if [ ! -e "$labnb_env/.whole" ]; then
  labnb_note "building the environment $labnb_env"
  (while kill -0 $$ && touch -h "$labnb_env.lock"; do sleep 20; done) </dev/null >/dev/null 2>&1 &
  labnb_beat=$!
  rm -rf "$labnb_env"
  # Projects that were installed from their folders are not here, and some wheels only their own index has.
  grep -v "^-e " "$labnb_lock" > "$labnb_env.txt"
  labnb_index=$(sed -n "s/.*# from \\(http[^ ]*\\).*/--extra-index-url \\1/p" "$labnb_lock" | sort -u)
  labnb_uv=$(command -v uv || ls "$(dirname "$labnb_base")/uv" "$HOME/.local/bin/uv" "$HOME/.cargo/bin/uv" \\
    2>/dev/null | head -n 1)
  if [ -n "$labnb_uv" ]; then
    { "$labnb_uv" venv --quiet --python "$labnb_version" "$labnb_env" 2>/dev/null \\
        || { rm -rf "$labnb_env" && "$labnb_uv" venv --quiet --python "$labnb_base" "$labnb_env"; }; } \\
      && "$labnb_uv" pip install --quiet --index-strategy unsafe-best-match \\
        --python "$labnb_env/bin/python" -r "$labnb_env.txt" $labnb_index
  else
    "$labnb_base" -m venv "$labnb_env" \\
      && "$labnb_env/bin/python" -m pip install --quiet -r "$labnb_env.txt" $labnb_index
  fi 2> "$labnb_env.log" && touch "$labnb_env/.whole"
  labnb_code=$?
  kill "$labnb_beat" 2>/dev/null
  cat "$labnb_env.log" >&2
  rm -f "$labnb_env.lock"
  if [ "$labnb_code" != 0 ]; then
    # The last line is what the card says: which package, and why.
    labnb_why=$(sed -n "/^hint/d; /^ *[eE][rR][rR]/,\\$ p" "$labnb_env.log" | tr -s "[:space:]" " " \\
      | sed "s/^error: //; s/ cause: /: /g; s/^\\(.\\{140\\}\\).*\\(.\\{90\\}\\)\\$/\\1 … \\2/")
    labnb_note "the environment cannot be built: ${labnb_why:-it is not said why}"
    exit not_prepared
  fi
fi
[ "$(readlink "$labnb_env.lock" 2>/dev/null)" = "$(uname -n):$$" ] && rm -f "$labnb_env.lock"
touch "$labnb_env/.whole"
trap - USR2
""".replace("not_prepared", str(NOT_PREPARED))


@dataclass(frozen=True, slots=True)
class Launch:
    """What an `Order` takes over: lines of shell, and the command word by word."""

    setup: tuple[str, ...]
    command: tuple[str, ...]


def launch(
    target: Target,
    runner: str,
    folder: str,
    *,
    interpreter: str = ANY_PYTHON,
    environments: str = "",
    lock: str = "",
    digest: str = "",
    version: str = "",
    binds: Sequence[str] = (),
) -> Launch:
    """Say how `runner` is started with a job's `folder`, both absolute or beginning with "~/".

    `interpreter` is the Python to take where the target names none: this process's own on this machine. For
    environment = "uv", `lock` is the file of requirement lines on the target, `digest` names it, `version` is the
    Python that it was made with, and `environments` the folder in which environments are kept by their digests.
    `binds` are folders that an image must see besides `folder`. Raises ConfigError where the target contradicts itself.
    """
    python = target.python or interpreter
    if target.image:
        if target.environment:
            raise ConfigError(
                f"[targets.{target.name}] has an image and an environment.", "An image brings its own: leave one out."
            )
        inside = target.python or ANY_PYTHON
        return Launch(target.setup, (*_container(target, folder, binds), inside, runner, folder))
    if target.environment == UV:
        # The same packages under another Python are another environment.
        kept = f"{environments}/{digest.rpartition(':')[2][:32]}{f'-{version}' if version else ''}"
        return Launch(
            (*target.setup, *environment_lines(kept, lock, version, python)), (f"{kept}/bin/python", runner, folder)
        )
    return Launch(target.setup, (python, runner, folder))


def environment_lines(environment: str, lock: str, version: str, base: str) -> tuple[str, ...]:
    """Write the shell that makes `environment` from `lock` unless it is there, once even when many jobs start."""
    values = {"env": environment, "lock": lock, "version": version or base, "base": base}
    return (*(f"labnb_{name}={shell_word(value)}" for name, value in values.items()), *_BUILD.splitlines())


def shell_word(word: str) -> str:
    """Quote a word for a shell; "~/" at its start stays the home of whoever runs it.

    >>> shell_word("~/my $(runs)")
    '"$HOME"/\\'my $(runs)\\''
    """
    if word.startswith("~/"):
        return f'"$HOME"/{shlex.quote(word[2:])}'
    return shlex.quote(word)


def _container(target: Target, folder: str, binds: Sequence[str]) -> tuple[str, ...]:
    words = ["sh", "-c", _APPTAINER, "sh", "exec"]
    if target.resources.gpus:
        words.append("--nv")
    for place in _outermost((folder, *binds)):
        if "," in place or ":" in place:
            raise ConfigError(
                f"[targets.{target.name}] has an image, and {place} cannot be shown to it: its name has a comma or a "
                "colon.",
                "Rename the folder, or set folder of the target.",
            )
        words += ["--bind", place]
    return (*words, target.image)


def _outermost(places: Sequence[str]) -> list[str]:
    """Leave out what lies in another one of them."""
    return [
        place
        for place in dict.fromkeys(places)
        if not any(place.startswith(f"{other.rstrip('/')}/") for other in places if other != place)
    ]
