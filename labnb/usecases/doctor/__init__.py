"""`labnb doctor`: look at everything that labnb stands on, say what is wrong, and put right what can be."""

from labnb.usecases.doctor.checks import check_facts
from labnb.usecases.doctor.fix import fix_project
from labnb.usecases.doctor.runs import check_runs

__all__ = ["check_facts", "check_runs", "fix_project"]
