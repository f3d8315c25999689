import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import cadrage as package
from cadrage.cli.doctor import BROKEN
from cadrage.threads import available_cpus


def report(ran) -> dict:
    return json.loads("\n".join(ran.out))


@pytest.fixture
def python(tmp_path):
    """Runs a program in a process where some modules cannot be imported."""

    def run(program: str, *, without: str = "") -> "subprocess.CompletedProcess[str]":
        (tmp_path / "sitecustomize.py").write_text(
            "import sys\n" + "".join(f"sys.modules[{name!r}] = None\n" for name in without.split())
        )
        environment = os.environ | {"PYTHONPATH": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False
        )

    return run


class TestHealthy:
    def test_a_line_for_everything_and_exit_code_0(self, cadrage):
        ran = cadrage("doctor")
        assert (ran.code, ran.err) == (0, [])
        lines = {line.split("  ")[0] for line in ran.out}
        assert lines >= {"cadrage", "Python", "numpy", "formats", "providers", "CPUs", "model", "self-test"}
        assert ran.out[-1].split() == ["verdict", "all", "is", "well"]
        assert all(len(line) <= 80 for line in ran.out)

    def test_as_json_with_what_really_is_here(self, cadrage, tiny_entry):
        found = report(cadrage("doctor", "--json", "--model", tiny_entry.folder))
        assert found["healthy"] is True
        assert found["problems"] == []
        assert found["versions"]["cadrage"] == package.__version__
        assert found["versions"]["numpy"] == metadata.version("numpy")
        assert found["cpus"] == {"usable": available_cpus(), "present": os.cpu_count()}
        assert found["model"] == {
            "name": "tiny",
            "version": "7.1",
            "folder": str(tiny_entry.folder),
            "sha256": {"encode.onnx": tiny_entry.encode.sha256, "score.onnx": tiny_entry.score.sha256},
        }
        assert "CPUExecutionProvider" in found["providers"]
        assert found["formats"]["JPEG"] and found["formats"]["PNG"]

    def test_the_self_test_times_both_halves_of_the_model(self, cadrage):
        timing = report(cadrage("doctor", "--json"))["timing"]
        assert timing["encode_ms"] > 0
        assert timing["score_ms"] > 0
        assert timing["boxes"] > 50
        assert timing["threads"] == available_cpus()

    def test_no_optional_part_is_loaded(self, python):
        ran = python(
            "import sys; from cadrage.cli.doctor import examine; assert examine().healthy;"
            "print(sorted({'torch', 'cv2', 'onnx', 'scipy'} & set(sys.modules)))"
        )
        assert (ran.stdout, ran.stderr) == ("[]\n", "")


class TestParts:
    def test_those_of_the_package(self, cadrage):
        parts = report(cadrage("doctor", "--json"))["parts"]
        assert set(parts) == set(metadata.metadata("cadrage").get_all("Provides-Extra"))
        assert parts["train"]["present"] is True
        assert parts["train"]["versions"]["torch"] == metadata.version("torch")

    def test_one_that_is_not_there_or_not_whole_and_how_to_get_it(self, cadrage, monkeypatch, tmp_path):
        info = tmp_path / "cadrage-9.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            "Metadata-Version: 2.4\nName: cadrage\nVersion: 9\n"
            "Requires-Dist: numpy>=1\n"
            "Provides-Extra: ghost\nRequires-Dist: no-such-package; extra == 'ghost'\n"
            "Provides-Extra: half\nRequires-Dist: numpy<9,>=1; python_version >= '3' and extra == 'half'\n"
            'Requires-Dist: no-such-package[x]>1; extra == "half"\n'
            "Provides-Extra: all\nRequires-Dist: cadrage[ghost,half]; extra == 'all'\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        numpy = metadata.version("numpy")
        assert report(cadrage("doctor", "--json"))["parts"] == {
            "ghost": {"present": False, "versions": {}, "get": "pip install 'cadrage[ghost]'"},
            "half": {"present": False, "versions": {"numpy": numpy}, "get": "pip install 'cadrage[half]'"},
        }
        ran = cadrage("doctor")
        assert ran.code == 0
        text = "\n".join(ran.out)
        assert "part 'ghost'    not installed: pip install 'cadrage[ghost]'" in text
        assert f"part 'half'     incomplete (numpy {numpy}): pip install 'cadrage[half]'" in text


class TestBroken:
    def test_a_damaged_model(self, cadrage, tiny_entry, tmp_path):
        folder = Path(shutil.copytree(tiny_entry.folder, tmp_path / "damaged"))
        with (folder / "score.onnx").open("ab") as file:
            file.write(b"!")
        ran = cadrage("doctor", "--model", folder)
        assert ran.code == BROKEN
        (sentence,) = ran.err
        assert "score.onnx: is damaged" in sentence
        assert ran.out[-1].split() == ["verdict", "something", "is", "broken"]
        assert not any(line.startswith(("model", "self-test")) for line in ran.out)

    def test_a_model_that_is_not_there(self, cadrage):
        ran = cadrage("doctor", "--json", "--model", "nowhere")
        assert ran.code == BROKEN
        found = report(ran)
        assert found["healthy"] is False
        assert [f"cadrage: {problem}" for problem in found["problems"]] == ran.err
        assert "There is no model 'nowhere'" in found["problems"][0]

    @pytest.mark.parametrize("module", ["onnxruntime", "PIL", "numpy"])
    def test_a_library_that_cannot_be_loaded(self, python, module):
        program = "import sys; sys.argv = ['cadrage', 'doctor']; from cadrage.cli import main; main()"
        ran = python(program, without=module)
        assert ran.returncode == BROKEN
        assert "Traceback" not in ran.stderr
        assert ran.stderr.splitlines()[0].startswith("cadrage: Loading ")
        assert f"import of {module}" in ran.stderr
        assert ran.stdout.splitlines()[0].split() == ["cadrage", package.__version__]

    def test_a_pillow_without_a_needed_format(self, python):
        program = (
            "import sys; sys.argv = ['cadrage', 'doctor']; from PIL import features;"
            "features.check = lambda name: name != 'jpg'; from cadrage.cli import main; main()"
        )
        ran = python(program)
        assert ran.returncode == BROKEN
        assert "This Pillow cannot read JPEG" in ran.stderr
