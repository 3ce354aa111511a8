"""What a script needs beside the cells: small functions that stand for IPython's magics."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Part(Enum):
    """A helper, in the order in which they are written."""

    DISPLAY = auto()
    EXPAND = auto()
    SYSTEM = auto()
    GETOUTPUT = auto()
    SCRIPT = auto()
    CD = auto()
    ENV = auto()
    WRITE = auto()
    RUN = auto()
    LOOP = auto()
    SHELL = auto()


@dataclass(frozen=True)
class Helper:
    """The code of a helper and the modules that it uses."""

    code: str
    imports: tuple[str, ...] = ()


_DISPLAY = """
try:
    from IPython.display import display
except ImportError:
    display = print
"""
_EXPAND = '''

def _labnb_expand(text):
    """Insert values as IPython does: {expression} and $name, from the caller's names."""
    frame = sys._getframe(2)
    names = {**frame.f_globals, **frame.f_locals}

    def insert(match):
        if match[0] in ("{{", "}}", "$$"):
            return match[0][0]
        try:
            return str(eval(match[1] or match[2], names))
        except Exception:
            return match[0]

    return re.sub(r"\\{\\{|\\}\\}|\\$\\$|\\{([^{}]+)\\}|\\$(\\w+)", insert, text)
'''
_SYSTEM = '''

def _labnb_system(command):
    """Run `!command`; what it says is shown."""
    command = _labnb_expand(command)
    sys.stdout.flush()
    subprocess.run(command, shell=True)
'''
_GETOUTPUT = '''

def _labnb_getoutput(command):
    """Run `x = !command`; give its lines."""
    command = _labnb_expand(command)
    done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout.splitlines()
'''
_SCRIPT = '''

def _labnb_script(program, text):
    """Run `%%bash`."""
    sys.stdout.flush()
    subprocess.run([program], input=text, text=True, check=True)
'''
_CD = '''

def _labnb_cd(path):
    """Run `%cd`."""
    os.chdir(os.path.expanduser(_labnb_expand(path)))
'''
_ENV = '''

def _labnb_env(name, value):
    """Run `%env`."""
    os.environ[name] = _labnb_expand(value)
'''
_WRITE = '''

def _labnb_write(path, mode, text):
    """Run `%%writefile`."""
    with open(os.path.expanduser(path.strip("'\\"")), mode, encoding="utf-8") as file:
        file.write(text)
'''
_RUN = '''

def _labnb_run(words):
    """Run `%run`: another file, with its names taken over."""
    path, *args = shlex.split(words)
    path = os.path.expanduser(path if os.path.exists(path) or path.endswith(".py") else path + ".py")
    before, sys.argv = sys.argv, [path, *args]
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    try:
        made = runpy.run_path(path, run_name="__main__")
    finally:
        sys.argv = before
        sys.path.pop(0)
    globals().update({name: value for name, value in made.items() if not name.startswith("__")})
'''
_LOOP = """
_labnb_loop = asyncio.new_event_loop()
asyncio.set_event_loop(_labnb_loop)
"""
_SHELL = '''

def _labnb_shell():
    """Make the shell that runs what has no plain form."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    main = sys.modules["__main__"]
    shell = InteractiveShell.instance(
        user_ns=globals(),
        config=Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}}),
    )
    sys.modules["__main__"] = main
    return shell


_labnb_the_shell = _labnb_shell()


def get_ipython():
    """Give the shell."""
    return _labnb_the_shell

'''

HELPERS = {
    Part.DISPLAY: Helper(_DISPLAY),
    Part.EXPAND: Helper(_EXPAND, ("re", "sys")),
    Part.SYSTEM: Helper(_SYSTEM, ("subprocess", "sys")),
    Part.GETOUTPUT: Helper(_GETOUTPUT, ("subprocess",)),
    Part.SCRIPT: Helper(_SCRIPT, ("subprocess", "sys")),
    Part.CD: Helper(_CD, ("os",)),
    Part.ENV: Helper(_ENV, ("os",)),
    Part.WRITE: Helper(_WRITE, ("os",)),
    Part.RUN: Helper(_RUN, ("os", "runpy", "shlex", "sys")),
    Part.LOOP: Helper(_LOOP, ("asyncio",)),
    Part.SHELL: Helper(_SHELL, ("sys",)),
}
