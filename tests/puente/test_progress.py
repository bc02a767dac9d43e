import pytest

from puente.progress import Progress


def test_on_a_terminal_a_bar_fills_and_goes_away(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    progress = Progress(2, said.append, terminal=True)
    progress.waiting("the engine commits")
    progress.done("the engine commits")
    progress.waiting("the dashboard answers")
    progress.clear()
    drawn = capsys.readouterr().out.split("\r")
    assert drawn[1] == f"  [{'-' * 24}] 0/2 waiting until the engine commits\x1b[K"
    assert drawn[2] == f"  [{'#' * 12}{'-' * 12}] 1/2 waiting until the dashboard answers\x1b[K"
    assert drawn[3] == "\x1b[K"
    assert said == []


def test_elsewhere_each_step_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    progress = Progress(1, said.append, terminal=False)
    progress.waiting("the engine commits")
    progress.done("the engine commits")
    progress.clear()
    assert said == ["  the engine commits"]
    assert capsys.readouterr().out == ""
