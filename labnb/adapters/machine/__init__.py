"""Facts about this machine for the doctor: Python and its packages, Jupyter's files, disks and limits."""

from labnb.adapters.machine.disk import limit_facts, place_facts
from labnb.adapters.machine.jupyter import jupyter_facts
from labnb.adapters.machine.programs import missing_programs
from labnb.adapters.machine.python import python_facts

__all__ = ["jupyter_facts", "limit_facts", "missing_programs", "place_facts", "python_facts"]
