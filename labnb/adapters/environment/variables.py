"""Picks the environment variables that may decide a result, and never one that may hold a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping

ALLOWED = re.compile(
    r"""
    CUDA_(?:VISIBLE_DEVICES|DEVICE_ORDER|LAUNCH_BLOCKING|HOME|PATH|MODULE_LOADING|CACHE_DISABLE)
    | CUBLAS_WORKSPACE_CONFIG | CUDNN_[A-Z0-9_]+ | NVIDIA_(?:VISIBLE_DEVICES|TF32_OVERRIDE) | ROCR_VISIBLE_DEVICES
    | HIP_VISIBLE_DEVICES | NCCL_[A-Z0-9_]+ | GLOO_[A-Z0-9_]+
    | (?:OMP|MKL|OPENBLAS|BLIS|NUMEXPR|VECLIB|GOTO|KMP|RAYON|POLARS|ARROW|NUMBA|TBB)_[A-Z0-9_]+
    | PYTHON(?:HASHSEED|PATH|HOME|OPTIMIZE|WARNINGS|UTF8|STARTUP|NOUSERSITE|DONTWRITEBYTECODE)
    | CONDA_(?:DEFAULT_ENV|PREFIX) | VIRTUAL_ENV | LD_LIBRARY_PATH | LD_PRELOAD
    | SLURM_(?:JOB_ID|JOB_NAME|JOB_PARTITION|JOB_NODELIST|JOB_NUM_NODES|NTASKS|PROCID|LOCALID|CPUS_PER_TASK|CPUS_ON_NODE
        |GPUS|GPUS_ON_NODE|MEM_PER_NODE|MEM_PER_CPU|ARRAY_JOB_ID|ARRAY_TASK_ID|CLUSTER_NAME|NODEID)
    | RANK | LOCAL_RANK | WORLD_SIZE | MASTER_ADDR | MASTER_PORT
    | TZ | LANG | LANGUAGE | LC_[A-Z]+
    | TF_(?:CPP|ENABLE|DISABLE|XLA|FORCE|GPU|NUM|DETERMINISTIC|CUDNN|USE|CONFIG|KERAS)[A-Z0-9_]*
    | XLA_[A-Z0-9_]+ | JAX_[A-Z0-9_]+ | TORCH_[A-Z0-9_]+ | TORCHDYNAMO_[A-Z0-9_]+ | PYTORCH_[A-Z0-9_]+
    | KERAS_[A-Z0-9_]+ | TOKENIZERS_PARALLELISM
    | HF_(?:HOME|DATASETS_CACHE|HUB_CACHE|HUB_OFFLINE|DATASETS_OFFLINE|ENDPOINT) | TRANSFORMERS_(?:CACHE|OFFLINE)
    | MPLBACKEND | MALLOC_[A-Z0-9_]+ | DVC_[A-Z0-9_]+ | MLFLOW_(?:TRACKING_URI|EXPERIMENT_NAME|EXPERIMENT_ID)
    """,
    re.VERBOSE,
)

_SECRET_NAME = re.compile(r"TOKEN(?!IZERS)|SECRET|PASSW|PASSPHRASE|PWD|CREDENTIAL|API_?KEY|ACCESS_?KEY|AUTH|_KEY$")
_SECRET_VALUE = re.compile(
    r"://[^/\s@]*@|\b(?:gh[pousr]_|github_pat_|glpat-|hf_|sk-|xox[abprs]-|AKIA|ASIA|AIza|eyJ)[A-Za-z0-9_\-]{8,}"
)
# One unbroken word of letters and digits as long as a key: no setting looks like that.
_KEY_LIKE = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_+=]{32,}")

LONGEST = 4096


def relevant(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the allowed variables, by name; those that look like secrets are left out whatever they are called."""
    return {
        name: environ[name]
        for name in sorted(environ)
        if ALLOWED.fullmatch(name) and not looks_secret(name, environ[name])
    }


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable is better not written down."""
    if len(value) > LONGEST or _SECRET_NAME.search(name.upper()):
        return True
    return bool(_SECRET_VALUE.search(value) or _KEY_LIKE.fullmatch(value))
