"""Kinds of values, and what their methods and attributes do."""

from __future__ import annotations

import re
import sys


def words(text: str) -> frozenset[str]:
    """Give the words of a text as a set."""
    return frozenset(text.split())


# Kinds of values. A name that starts with "@" is a dotted path into a library ("@numpy.random").
UNKNOWN = ""
ATOM = "atom"  # cannot be changed and holds nothing: numbers, text, None
BOX = "box"  # list, dict, set, tuple and their relatives
EAGER = "eager"  # a box that changes when it is read: defaultdict
ITERATOR = "iterator"
FILE = "file"
READER = "reader"  # a region: a file that was opened for reading only
DISK = "disk"  # a region: the content of a file
RNG = "rng"
PANDAS = "pandas"
ARRAY = "array"
DATA = "data"  # what a known library computed
ESTIMATOR = "estimator"
CLONER = "cloner"  # a region: an estimator that fits copies of those that it was given
PLOT = "plot"
PATH = "path"
QUIET = "quiet"  # objects whose methods matter to nobody's result: loggers, compiled patterns
CODE = "code"  # functions
CLASS = "class"
INSTANCE = "instance"  # of a class of the notebook
CELLS = "cells"  # variables that functions share with the function around them
LITERAL = "literal"  # a region: a box whose elements are all known by their own regions
FOREIGN = "foreign"  # an object of a library that is not known
SUPER = "super"
FIELD = "field"  # of a dataclass: each instance gets its own

#: Values that functions of libraries read and leave alone.
PLAIN = frozenset({ATOM, BOX, LITERAL, PANDAS, ARRAY, DATA, PLOT, PATH, QUIET, CODE, CLASS, EAGER})
#: Values whose elements can be read again and again.
REITERABLE = frozenset({ATOM, BOX, EAGER, PANDAS, ARRAY, DATA, PLOT, QUIET, PATH})

_DATA_ROOTS = "pandas polars xarray geopandas"
_ESTIMATOR_ROOTS = "sklearn xgboost lightgbm catboost imblearn statsmodels umap hdbscan category_encoders"
PLOT_ROOTS = "matplotlib seaborn plotly bokeh altair mpl_toolkits pylab IPython tabulate ipywidgets rich"
_ARRAY_ROOTS = "numpy scipy numba bottleneck"
_OTHER_ROOTS = (
    "torch torchvision torchaudio tensorflow keras jax optax flax joblib tqdm PIL cv2 skimage yaml networkx sympy"
    " mlflow labnb psutil cloudpickle pyarrow h5py dateutil pytz attr attrs einops shap"
)
FAMILY: dict[str, str] = {
    **dict.fromkeys(_DATA_ROOTS.split(), PANDAS),
    **dict.fromkeys(_ESTIMATOR_ROOTS.split(), ESTIMATOR),
    **dict.fromkeys(PLOT_ROOTS.split(), PLOT),
    **dict.fromkeys(_ARRAY_ROOTS.split(), ARRAY),
}
#: Libraries whose functions keep no state of the session's, but for the settings below.
KNOWN_ROOTS = frozenset(FAMILY) | frozenset(_OTHER_ROOTS.split()) | sys.stdlib_module_names | {"builtins"}
#: Settings of looks only: they count where they stand in the open, not when a drawing function makes them.
LOOKS = frozenset({*PLOT_ROOTS.split()})
#: Methods that change nothing, of values that nothing is known of.
SURE_READS = words(
    "head tail describe info items keys values copy startswith endswith lower upper strip split"
    " splitlines join format encode decode mean sum std min max tolist astype reshape item nunique"
    " value_counts corr isna isnull count index predict predict_proba score hist boxplot is_integer"
    " as_posix to_numpy groupby"
)

# Methods, by kind.
CONTAINER_CHANGES = words(
    "append extend insert pop popitem remove clear update setdefault add discard sort reverse appendleft"
    " popleft extendleft rotate subtract difference_update intersection_update"
    " symmetric_difference_update move_to_end __setitem__ __delitem__ __iadd__ __setattr__ send throw"
    " close write writelines put put_nowait push"
)
_BOX_READS = words(
    "copy count index get keys values items union intersection difference symmetric_difference issubset"
    " issuperset isdisjoint most_common elements total _asdict _replace __len__ __getitem__ __contains__"
)
_ARRAY_CHANGES = words("fill itemset partition setflags setfield resize put byteswap eliminate_zeros sum_duplicates")
_ESTIMATOR_READS = re.compile(
    r"(predict\w*|score\w*|transform|inverse_transform|decision_function|get_params|kneighbors\w*|staged_\w+|apply"
    r"|get_feature_names\w*|get_depth|get_n_leaves|path_length|cost_complexity\w*|summary|conf_int|get_booster|split"
    r"|get_n_splits|sample|get_support|get_metadata\w*|radius_neighbors\w*|feature_importance|get_feature_importance)$"
)
_ATOM_ATTRIBUTES = words("shape ndim size empty dtype dtypes nbytes itemsize name is_unique")
#: Methods of tables and arrays that give new data.
COPIES = words(
    "copy dropna fillna merge assign query sort_values drop drop_duplicates replace pivot_table melt"
    " describe agg aggregate sum mean std var median min max quantile corr cov count value_counts nunique"
    " unique tolist to_list to_dict join explode isna notna isin between astype map apply applymap"
    " transform round clip cumsum diff shift rank reset_index sample argmax argmin idxmax idxmin all any"
    " dot flatten item prod duplicated predict predict_proba predict_log_proba score decision_function"
    " lower upper strip split format encode decode get_dummies contains add sub mul div mode rename"
    " pct_change pivot stack unstack size"
)


def root_of(path: str) -> str:
    """Give the package of a dotted path."""
    return path.split(".", 1)[0]


def is_known(path: str) -> bool:
    """Tell whether a dotted path leads into a library whose habits are known."""
    return root_of(path) in KNOWN_ROOTS


_BUILTIN_KINDS: dict[str, str] = {
    **dict.fromkeys(words("int float complex bool str bytes NoneType ellipsis range slice"), ATOM),
    **dict.fromkeys(words("list dict set tuple frozenset bytearray dict_keys dict_values dict_items"), BOX),
    **dict.fromkeys(words("function type builtin_function_or_method method module staticmethod classmethod"), CODE),
    **dict.fromkeys(["open"], FILE),
}
_KINDS_BY_PATH = {
    "collections.defaultdict": EAGER,
    "numpy.random.default_rng": RNG,
    "numpy.random.RandomState": RNG,
    "random.Random": RNG,
    "logging.Logger": QUIET,
    "types.SimpleNamespace": BOX,
    "argparse.Namespace": BOX,
    "sklearn.utils.Bunch": BOX,
    "sklearn.utils._bunch.Bunch": BOX,
}
_ATOMS = re.compile(
    r"(datetime\.|decimal\.Decimal|fractions\.|uuid\.UUID|numpy\.(float|int|uint|bool|str_|bytes_|complex|datetime64|timedelta64)"
    r"|pandas\.(_libs\.|Timestamp|Timedelta|NaT|NA)|re\.(Match|Pattern)|zoneinfo\.|ipaddress\.)"
)


def kind_of_type(path: str) -> str:
    """Give the kind of the instances of a class, named as `module.QualifiedName`."""
    root, last = root_of(path), path.rsplit(".", 1)[-1]
    if path in _KINDS_BY_PATH:
        return _KINDS_BY_PATH[path]
    if root == "builtins":
        return _BUILTIN_KINDS.get(last, ITERATOR)
    if root == "__main__":
        return UNKNOWN
    if _ATOMS.match(path):
        return ATOM
    if root == "collections":
        return BOX if last in ("Counter", "OrderedDict", "deque") else UNKNOWN
    if root in ("_io", "io", "gzip", "tempfile", "zipfile", "sqlite3") or "Writer" in last or "Store" in last:
        return FILE
    if root == "pathlib":
        return PATH
    if root in ("re", "logging", "string", "enum"):
        return QUIET
    if root in ("itertools", "tqdm", "csv", "_csv"):
        return ITERATOR
    if path.startswith("numpy.random"):
        return RNG
    if root in FAMILY:
        return FAMILY[root]
    return UNKNOWN if root in KNOWN_ROOTS else FOREIGN


def is_immutable_type(path: str) -> bool:
    """Tell whether instances of a class can neither change nor hold anything that can."""
    return kind_of_type(path) == ATOM


def changes(kind: str, method: str, keywords: frozenset[str]) -> bool:
    """Tell whether a method of a value of this kind changes the value.

    `keywords` are those of the call; `inplace` and `out` among them are not known to be false.
    """
    if kind in (ATOM, PATH):
        return False
    if kind == PLOT:
        return True
    if kind == QUIET:
        return method.startswith(("set", "add", "remove"))
    if kind == BOX:
        return method not in _BOX_READS
    if kind in (PANDAS, ARRAY, DATA):
        if method in CONTAINER_CHANGES and method != "add":
            return not (kind == PANDAS and method == "put")
        return "inplace" in keywords or (kind == ARRAY and method in _ARRAY_CHANGES) or method.endswith("_")
    if kind == ESTIMATOR:
        return _ESTIMATOR_READS.match(method) is None
    return True


def attribute_kind(kind: str, name: str) -> str:
    """Give the kind of an attribute of a value of this kind."""
    if kind in (PANDAS, ARRAY, DATA) and name in _ATOM_ATTRIBUTES:
        return ATOM
    if kind == PANDAS:
        return ARRAY if name == "values" else PANDAS
    if kind in (ARRAY, DATA, PLOT, ATOM):
        return kind
    if kind == ESTIMATOR:
        return DATA if name.endswith("_") else UNKNOWN
    return UNKNOWN


def method_result_kind(kind: str, method: str) -> str:
    """Give the kind of what a method of a value of this kind returns."""
    if kind == PANDAS:
        if method == "to_numpy":
            return ARRAY
        if method in ("tolist", "to_list", "to_dict"):
            return BOX
        if method in ("iterrows", "itertuples", "iteritems"):
            return ITERATOR
        return PLOT if method in ("plot", "hist", "boxplot", "barh", "bar", "line", "scatter") else PANDAS
    if kind == ARRAY:
        return BOX if method == "tolist" else ARRAY
    if kind == ESTIMATOR:
        return ESTIMATOR if method.startswith(("fit", "set_")) and method != "fit_transform" else DATA
    if kind == BOX:
        return BOX if method in ("copy", "keys", "values", "items", "union", "intersection", "difference") else UNKNOWN
    return kind if kind in (ATOM, DATA, PLOT, PATH, QUIET) else UNKNOWN
