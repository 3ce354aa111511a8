"""What is known of Python's and the field's libraries: which calls change something, and what.

Everything that is not known here is taken to change whatever it can reach. So an entry in these tables can only
make a slice smaller, and an entry that is wrong makes it untrue: leave out what you are not sure of.
"""

from __future__ import annotations

import builtins
import re

from labnb.capture.slicing.kinds import (
    ARRAY,
    ATOM,
    BOX,
    DATA,
    ESTIMATOR,
    FAMILY,
    FIELD,
    ITERATOR,
    PANDAS,
    PLOT,
    QUIET,
    UNKNOWN,
    kind_of_type,
    root_of,
    words,
)

#: Libraries whose functions do not draw random numbers from the global generators and change no argument.
_CALM_ROOTS = (
    "builtins math cmath statistics json re datetime time calendar string textwrap typing dataclasses enum abc decimal"
    " fractions numbers itertools functools collections operator copy pprint warnings logging hashlib types inspect"
    " os sys platform pathlib glob io csv shutil subprocess argparse contextlib pickle struct base64 zlib gzip zipfile"
    " uuid tabulate rich IPython matplotlib mpl_toolkits pylab plotly traceback gc atexit locale unicodedata"
    " __future__ collections.abc importlib"
)
CALM_ROOTS = frozenset(_CALM_ROOTS.split())

SETTING = re.compile(
    r"(set|set_\w+|seterr|seterrcall|setbufsize|setlocale|setrecursionlimit|setswitchinterval|setprofile|settrace"
    r"|setcontext|setLevel|setdefaulttimeout|register\w*|unregister\w*|enable\w*|disable\w*|install\w*|use|use_\w+"
    r"|basicConfig|dictConfig|fileConfig|filterwarnings|simplefilter|resetwarnings|rc|rcdefaults|rc_file|rc_context"
    r"|reset_\w+|configure|config|seed|seed_\w+|manual_seed\w*|set_seed|captureWarnings|chdir|putenv|unsetenv|umask"
    r"|patch_\w+|monkey_patch\w*|patch_all|initialize|option|theme|addLevelName|insert_finder|freeze_support|tzset)"
)
_NOT_SETTINGS = frozenset({"builtins.set", "tqdm.set_description", "matplotlib.pyplot.rc_context"})
_LOOKUPS = frozenset({"get", "copy", "keys", "values", "items", "index", "count", "__contains__", "__getitem__"})
_SETTING_PREFIXES = ("os.environ.", "sys.path.", "sys.meta_path.", "sys.modules.", "warnings.filters.")
_SETTING_PATHS = frozenset(
    {"tqdm.pandas", "tqdm.auto.tqdm.pandas", "tqdm.tqdm.pandas", "tqdm.notebook.tqdm.pandas", "sys.path_hooks.append"}
)

#: Calls that set a global generator to a known state, and which.
SEEDS: dict[str, tuple[str, ...]] = {
    "random.seed": ("random",),
    "random.setstate": ("random",),
    "numpy.random.seed": ("numpy",),
    "numpy.random.set_state": ("numpy",),
    "torch.manual_seed": ("torch",),
    "torch.random.manual_seed": ("torch",),
    "torch.set_rng_state": ("torch",),
    "torch.random.set_rng_state": ("torch",),
}
_SEED_ALL = re.compile(r"(seed_everything|set_seed|seed_all|set_all_seeds|set_random_seed|fix_seed)")
_OWN_GENERATORS = frozenset({"default_rng", "RandomState", "Generator", "Random", "SystemRandom", "SeedSequence"})

#: Functions that change their first argument (and keep the others in it).
CHANGE_FIRST = words(
    "builtins.next builtins.setattr builtins.delattr builtins.anext random.shuffle numpy.random.shuffle"
    " numpy.put numpy.place numpy.putmask numpy.copyto numpy.fill_diagonal numpy.put_along_axis"
    " heapq.heappush heapq.heappop heapq.heapify heapq.heapreplace heapq.heappushpop bisect.insort"
    " bisect.insort_left bisect.insort_right operator.setitem operator.delitem operator.iadd"
    " operator.iconcat operator.imul importlib.reload shutil.copyfileobj"
)
#: Decorators (and functions) that give back what they were given, as far as its value goes.
IDENTITIES = words(
    "dataclasses.dataclass functools.lru_cache functools.cache functools.wraps functools.cached_property"
    " functools.total_ordering contextlib.contextmanager contextlib.asynccontextmanager"
    " builtins.staticmethod builtins.classmethod builtins.property abc.abstractmethod typing.overload"
    " typing.final typing.runtime_checkable typing.no_type_check typing.cast numba.jit numba.njit"
    " torch.no_grad torch.inference_mode torch.jit.script torch.compile tensorflow.function"
    " atexit.register attr.s attrs.define attr.define attrs.frozen jax.jit enum.unique types.coroutine"
)
#: Functions whose result shares nothing with their arguments.
_FRESH = (
    "array zeros ones empty full arange linspace logspace eye identity mean sum std var median percentile quantile"
    " concatenate vstack hstack stack column_stack exp log log1p log10 log2 sqrt abs dot matmul where round floor"
    " ceil unique sort argsort cumsum diff clip maximum minimum min max argmax argmin any all isnan isfinite allclose"
    " array_equal corrcoef cov histogram bincount interp outer cross polyfit polyval deepcopy concat merge get_dummies"
    " to_datetime to_numeric cut qcut crosstab pivot_table date_range read_csv read_parquet read_json read_excel"
    " read_table read_pickle read_feather isna notna train_test_split dumps loads len print format repr str int float"
    " bool complex bytes hash id ord chr hex oct bin divmod pow isinstance issubclass callable input display"
)
FRESH = frozenset(_FRESH.split())
#: Estimators of scikit-learn that fit clones of the estimators that they are given, and leave those alone.
CLONERS = words(
    "GridSearchCV RandomizedSearchCV HalvingGridSearchCV HalvingRandomSearchCV BaggingClassifier BaggingRegressor"
    " VotingClassifier VotingRegressor StackingClassifier StackingRegressor AdaBoostClassifier AdaBoostRegressor"
    " OneVsRestClassifier OneVsOneClassifier MultiOutputClassifier MultiOutputRegressor CalibratedClassifierCV RFE"
    " RFECV SequentialFeatureSelector ColumnTransformer RANSACRegressor TransformedTargetRegressor"
)
#: Functions whose result may be the very data that they were given, under another name.
_VIEWS = (
    "asarray asanyarray ascontiguousarray asfortranarray asarray_chkfinite asmatrix ravel reshape squeeze transpose"
    " permute_dims matrix_transpose swapaxes moveaxis rollaxis expand_dims atleast_1d atleast_2d atleast_3d"
    " broadcast_to broadcast_arrays split array_split hsplit vsplit dsplit diagonal diag flip fliplr flipud rot90 real"
    " imag nditer nested_iters require frombuffer as_strided sliding_window_view nan_to_num from_numpy as_tensor"
    " from_dlpack memoryview unstack"
)
VIEWS = frozenset(_VIEWS.split())
_FRESH_ROOTS = ("math.", "statistics.", "sklearn.metrics.", "sklearn.datasets.", "time.", "cmath.", "os.path.")
#: Functions whose result is an atom.
ATOMIC = words(
    "builtins.len builtins.print builtins.repr builtins.str builtins.int builtins.float builtins.bool"
    " builtins.format builtins.hash builtins.id builtins.ord builtins.chr builtins.isinstance"
    " builtins.issubclass builtins.callable builtins.hasattr builtins.range builtins.bytes builtins.any"
    " builtins.all builtins.complex builtins.hex builtins.oct builtins.bin builtins.ascii json.dumps"
    " random.random random.randint random.uniform random.gauss random.randrange random.seed"
    " numpy.random.seed os.getcwd os.cpu_count os.getpid sklearn.metrics.accuracy_score"
    " sklearn.metrics.f1_score sklearn.metrics.roc_auc_score"
)
_ATOMIC_ROOTS = ("math.", "cmath.", "time.", "os.path.")
#: Functions that give an iterator over their arguments.
LAZY = words("builtins.iter builtins.zip builtins.map builtins.filter builtins.enumerate builtins.reversed")
BOXES = words(
    "builtins.list builtins.dict builtins.set builtins.tuple builtins.frozenset builtins.sorted"
    " builtins.bytearray collections.OrderedDict collections.Counter collections.deque"
    " collections.namedtuple types.SimpleNamespace argparse.Namespace"
)
#: Those whose elements are the elements of what they are made from.
PLAIN_BOXES = words(
    "builtins.list builtins.dict builtins.set builtins.tuple builtins.frozenset builtins.sorted collections.OrderedDict"
    " collections.deque"
)
#: Iterators over what they are given: over its elements, or over tuples of them.
WALKS = {
    **dict.fromkeys(("builtins.iter", "builtins.reversed", "itertools.cycle", "tqdm.tqdm", "tqdm.auto.tqdm"), "same"),
    "tqdm.notebook.tqdm": "same",
    "builtins.enumerate": "enumerate",
    "builtins.zip": "zip",
}
#: Builtins that run or reach code and names that cannot be seen.
WORLD = words("builtins.exec builtins.eval builtins.globals builtins.locals builtins.vars builtins.__import__")
#: Imports that are made for what they do, not for a name.
EFFECT_IMPORTS = re.compile(
    r"(sklearn\.experimental|hvplot|holoviews\.plotting|mpl_toolkits|swifter|pandarallel|janitor|cudf\.pandas|scienceplots"
    r"|tensorflow_text|modin|__future__|sklearnex|pint_pandas|rioxarray|cufflinks|unsloth|ipympl|nest_asyncio)\b"
)

#: Libraries whose functions may change any argument they are given.
LOOSE_ROOTS = words("torch torchvision torchaudio tensorflow keras jax optax flax cv2 PIL skimage shap einops")
#: Libraries that use the notebook's objects only through operators and the functions they are given.
SHY_ROOTS = words(
    "builtins math cmath statistics numpy pandas matplotlib seaborn plotly copy os re time datetime itertools"
    " collections dataclasses operator string textwrap pathlib typing IPython tqdm warnings random decimal fractions"
    " enum abc"
)
#: Builtins that read all elements of an iterable.
CONSUMERS = words(
    "builtins.list builtins.tuple builtins.set builtins.frozenset builtins.dict builtins.sorted"
    " builtins.sum builtins.min builtins.max builtins.any builtins.all builtins.bytes builtins.bytearray"
    " functools.reduce collections.Counter collections.deque collections.OrderedDict"
)


def is_setting(path: str) -> bool:
    """Tell whether calling a library's function at this path sets something for the whole process."""
    last = path.rsplit(".", 1)[-1]
    if path in _NOT_SETTINGS or path.startswith("builtins.") or last in _LOOKUPS:
        return False
    return path in _SETTING_PATHS or path.startswith(_SETTING_PREFIXES) or SETTING.fullmatch(last) is not None


def seeds(path: str) -> tuple[str, ...]:
    """Give the global generators that a call at this path seeds."""
    return SEEDS.get(path, ())


def seeds_some(path: str) -> bool:
    """Tell whether a call at this path seeds generators, without it being sure which."""
    return _SEED_ALL.fullmatch(path.rsplit(".", 1)[-1]) is not None


def draws(path: str) -> tuple[str, ...]:
    """Give the global generators from which a call at this path is seen to draw."""
    head, _, last = path.rpartition(".")
    if last in _OWN_GENERATORS:
        return ()
    if head == "random":
        return () if last == "getstate" else ("random",)
    if head == "numpy.random":
        return () if last == "get_state" else ("numpy",)
    return ("torch",) if head == "torch" and last.startswith("rand") else ()


def is_calm(path: str) -> bool:
    """Tell whether a call at this path draws nothing from the global generators."""
    root = root_of(path)
    if root in CALM_ROOTS or root in ("numpy", "pandas"):
        return not path.startswith("numpy.random")
    return path.startswith(("sklearn.metrics.", "sklearn.datasets.load"))


def is_fresh(path: str) -> bool:
    """Tell whether the result of a call at this path shares nothing with the arguments."""
    if path.startswith("builtins."):
        return path in ATOMIC
    return path.rsplit(".", 1)[-1] in FRESH or path.startswith(_FRESH_ROOTS)


def is_view(path: str) -> bool:
    """Tell whether what a call at this path gives may be a view of an argument: changing one changes the other."""
    return path.rsplit(".", 1)[-1] in VIEWS


def is_atomic(path: str) -> bool:
    """Tell whether a call at this path gives a number, a text or nothing."""
    return path in ATOMIC or path.startswith(_ATOMIC_ROOTS)


def result_kind(path: str) -> str:
    """Give the kind of what a call at this dotted path returns."""
    root, last = root_of(path), path.rsplit(".", 1)[-1]
    if is_atomic(path):
        return ATOM
    if path in ("dataclasses.field", "attrs.field", "attr.ib"):
        return FIELD
    if path in LAZY or root == "itertools" or root == "tqdm" or last == "tqdm":
        return ITERATOR
    if path in BOXES:
        return BOX
    if last[:1].isupper() or path in ("numpy.random.default_rng", "collections.defaultdict", "builtins.open"):
        return kind_of_type(path)
    if root in FAMILY and root != "sklearn":
        return {ARRAY: ARRAY, PANDAS: PANDAS, PLOT: PLOT}.get(FAMILY[root], UNKNOWN)
    if root == "sklearn":
        return ESTIMATOR if last.startswith("make_") and "datasets" not in path else DATA
    if path in ("logging.getLogger", "re.compile"):
        return QUIET
    if path.startswith(("json.load", "collections.", "copy.deepcopy", "os.listdir", "glob.glob")):
        return BOX
    return UNKNOWN


_LENT = frozenset({"get_ipython", "_"})  # lent to the builtins by IPython, while a cell runs


def is_builtin(name: str) -> bool:
    """Tell whether a name is one of Python's builtins."""
    return (hasattr(builtins, name) and name not in _LENT) or name in ("__file__", "display")


_UNARY = words(
    "abs absolute exp exp2 expm1 log log2 log10 log1p sqrt square cbrt sin cos tan arcsin arccos arctan sinh cosh tanh"
    " floor ceil rint trunc negative positive sign reciprocal conj isnan isfinite isinf logical_not invert"
)
_BINARY = words(
    "add subtract multiply divide true_divide floor_divide mod remainder fmod power float_power maximum minimum fmax"
    " fmin matmul dot logical_and logical_or logical_xor greater less equal not_equal greater_equal less_equal hypot"
    " arctan2 bitwise_and bitwise_or bitwise_xor left_shift right_shift heaviside copysign"
)


def in_place(flags: frozenset[str], off: frozenset[str]) -> bool:
    """Tell whether the keywords of a call say that it works on what it is given: `copy=False`, `inplace=True`."""
    return any(name.startswith("copy") for name in off) or any(
        name == "inplace" or name.startswith("overwrite") for name in flags
    )


def changes_first(path: str) -> bool:
    """Tell whether a function changes its first argument."""
    return path in CHANGE_FIRST or (path.startswith("numpy.") and path.endswith(".at"))


def first_out(path: str) -> int:
    """Give the place from which on a function's positional arguments are outputs."""
    head, _, last = path.rpartition(".")
    if head != "numpy":
        return 1000
    return 1 if last in _UNARY else 2 if last in _BINARY else 3 if last == "clip" else 1000
