"""What is tested is what a user gets: the installed wheel, whole and up to date."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import sysconfig
from pathlib import Path

import winback

INSTALLED = Path(winback.__file__).parent
FOLDERS = ("configs", "models", "data")


def files_below(folder: Path) -> dict[str, bytes]:
    """The bytes of every file in a folder, by path; caches left out."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_tests_run_on_the_installed_wheel():
    """Run `make test`: a source tree on the path would hide what the wheel lacks."""
    assert Path(sysconfig.get_path("purelib")) in INSTALLED.parents


def test_wheel_is_that_of_this_tree(tree: Path):
    """Every file of the package and of the template is in the wheel, byte for byte, and no other."""
    installed = files_below(INSTALLED)
    wanted = files_below(tree / "pipeline" / "winback")
    for folder in FOLDERS:
        wanted |= {f"template/{folder}/{name}": held for name, held in files_below(tree / folder).items()}
    assert installed.keys() == wanted.keys()
    assert [name for name, held in wanted.items() if installed[name] != held] == []


def test_wheel_installs_one_package():
    """No top-level `data`, `models`, `tests`, which another project's could overwrite."""
    files = importlib.metadata.files("winback")
    tops = {file.parts[0] for file in files if file.parts[0] != ".."}
    assert tops == {"winback", f"winback-{winback.__version__}.dist-info"}
    assert "winback/py.typed" in {file.as_posix() for file in files}


def test_version_and_licence_are_in_the_metadata():
    metadata = importlib.metadata.metadata("winback")
    assert (metadata["Version"], metadata["License-Expression"]) == (winback.__version__, "Apache-2.0")
    assert metadata.get_all("License-File") == ["LICENSE"]


def test_command_runs_anywhere(tmp_path: Path):
    """The installed command needs neither the tree nor its folder."""
    command = Path(sysconfig.get_path("scripts")) / "winback"
    done = subprocess.run([command, "--version"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    assert winback.__version__ in done.stdout


def test_package_is_not_found_through_the_source_root(tree: Path):
    """From the tree's root, `import winback` is still the installed one."""
    program = "import winback; print(winback.__file__)"
    done = subprocess.run([sys.executable, "-c", program], cwd=tree, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == INSTALLED / "__init__.py"
