"""Every command that `costspan --help` lists is there, and explains itself."""

from __future__ import annotations

import pytest

from costspan.cli.main import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_a_listed_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])

    assert left.value.code == 0
    assert f"costspan {command}" in capsys.readouterr().out
