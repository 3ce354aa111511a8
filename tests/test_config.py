"""labnb.toml: found, merged, and answered when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from labnb.config import SETTINGS, find_root, load_config
from labnb.model.errors import ConfigError
from labnb.model.target import RESOURCE_SETTINGS, TARGET_SETTINGS


@pytest.fixture(autouse=True)
def no_user_config(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    return home


def test_root_is_the_folder_of_the_settings_then_of_git_then_the_folder(tmp_path: Path) -> None:
    inner = tmp_path / "repo" / "study" / "notebooks"
    inner.mkdir(parents=True)
    assert find_root(inner) == inner
    (tmp_path / "repo" / ".git").mkdir()
    assert find_root(inner) == tmp_path / "repo"
    (inner.parent / "labnb.toml").touch()
    assert find_root(inner) == inner.parent


def test_defaults_need_no_file(tmp_path: Path) -> None:
    config = load_config(tmp_path)
    assert config.experiment == tmp_path.name
    assert config.files == ()


def test_project_goes_over_user(tmp_path: Path, no_user_config: Path) -> None:
    user = no_user_config / "labnb"
    user.mkdir()
    (user / "labnb.toml").write_text('[tracking]\nexperiment = "mine"\n[snapshot]\nmax_file_mb = 5\n')
    assert load_config(tmp_path).experiment == "mine"
    (tmp_path / "labnb.toml").write_text('[tracking]\nexperiment = "theirs"\n')
    config = load_config(tmp_path)
    assert (config.experiment, config.max_file_mb) == ("theirs", 5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[trakcing]\nuri = "x"', "Did you mean tracking?"),
        ('[tracking]\nexperimnt = "x"', "Did you mean experiment?"),
        ("[tracking]\nexperiment = 3", "must be of type str"),
        ("[snapshot]\nmax_file_mb = true", "must be of type int"),
        ("tracking = 3", "must be a section"),
        ('[data]\npolicy = "verison"', "Did you mean version?"),
        ("[targets]\ngpu = 3", "[targets.NAME]"),
        ('[targets.gpu]\nexecuter = "slurm"', "Did you mean executor?"),
        ('[targets.gpu]\nhost = "login"', "Write ssh://login."),
        ('[targets.gpu]\ntime = "soon"', "Write 4:00:00"),
        ("[targets.local]\ncpus = 1", "another name"),
        ("[tracking", "cannot be read"),
    ],
)
def test_wrong_settings_are_answered(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "labnb.toml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_config(tmp_path)
    assert said in str(raised.value)
    assert str(tmp_path) in str(raised.value)


def test_every_setting_is_in_the_example() -> None:
    example = (Path(__file__).parent.parent / "labnb.toml.example").read_text()
    for section, keys in SETTINGS.items():
        assert f"[{section}]" in example
        for key in keys:
            assert f"# {key} = " in example
    for key in (*TARGET_SETTINGS, *RESOURCE_SETTINGS):
        assert f"# {key} = " in example


def test_the_store_of_the_lab(tmp_path: Path) -> None:
    assert load_config(tmp_path).tracking_uri == ""
    (tmp_path / "labnb.toml").write_text('[tracking]\nuri = "https://ann:pw@lab.example/"\n')
    config = load_config(tmp_path)
    assert config.tracking_uri == "https://ann:pw@lab.example"
    assert "pw" not in repr(config)
    (tmp_path / "labnb.toml").write_text('[tracking]\nuri = "sqlite:///runs.db"\n')
    assert load_config(tmp_path).tracking_uri == f"sqlite:///{tmp_path}/runs.db"


def test_a_target_is_taken_whole_from_the_last_file_that_names_it(tmp_path: Path, no_user_config: Path) -> None:
    user = no_user_config / "labnb"
    user.mkdir()
    (user / "labnb.toml").write_text('[targets.gpu]\nhost = "ssh://a"\ncpus = 3\n[targets.cpu]\nmemory = "2G"\n')
    (tmp_path / "labnb.toml").write_text('[targets.gpu]\nexecutor = "slurm"\ntime = "1-02:00:00"\ngpus = 1\n')
    targets = load_config(tmp_path).targets
    assert set(targets) == {"gpu", "cpu"}
    assert (targets["gpu"].host, targets["gpu"].resources.cpus) == ("", None)
    assert (targets["gpu"].resources.time, targets["gpu"].resources.gpus) == (26 * 3600, 1)
    assert targets["cpu"].resources.memory == 2_000_000_000
