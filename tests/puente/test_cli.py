import subprocess
import sys

import pytest
from click.testing import CliRunner

from puente.cli import COMMANDS, main


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, words)
    return result.exit_code, result.output


def test_help_lists_every_command() -> None:
    code, said = run("--help")
    assert code == 0
    for name, entry in COMMANDS.items():
        assert name in said
        assert entry.does in said
    assert "Example:" in said


@pytest.mark.parametrize("name", ["up", "load"])
def test_every_command_shows_an_example(name: str) -> None:
    code, said = run(name, "--help")
    assert code == 0
    assert f"Example: puente {name} " in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lod"], "puente: No such command 'lod'. See 'puente --help'."),
        (["load"], "puente: Missing argument 'FILES...'. See 'puente load --help'."),
        (["up", "--port", "x"], "puente: Invalid value for '--port': 'x' is not a valid integer"),
        (["up", "--shipments", "5"], "puente: --shipments says what the demo shows; add --demo"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_two(words: list[str], message: str) -> None:
    code, said = run(*words)
    assert code == 2
    assert said.startswith(message)
    assert said.count("\n") == 1


def test_a_setting_that_cannot_be_used_is_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "many")
    assert run("up") == (2, "puente: PORT='many' is not a valid int; correct or unset it\n")


def test_listing_commands_imports_none_of_them() -> None:
    code = (
        "import sys\nfrom puente.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'redis', 'paho', 'dash', 'pandas', 'numpy', 'ingest', 'dashboard'}\n"
        "print('loaded', sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.endswith("loaded []\n")
