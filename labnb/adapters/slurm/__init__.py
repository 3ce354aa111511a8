"""Jobs of Slurm, by its plain commands through a host; with sacct where there is accounting, without it elsewhere."""

from labnb.adapters.slurm.executor import SlurmExecutor

__all__ = ["SlurmExecutor"]
