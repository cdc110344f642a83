"""The wrapper answers as a native solc does, where py-solc-x and forge ask."""

import json
import subprocess

import pytest

from scripts.solc_shim import SHIM_FOLDER, SOLC_VERSION, CompilerMissing, ensure_shim

SOURCE = (
    "// SPDX-License-Identifier: MIT\npragma solidity 0.8.37;\ncontract C { uint256 public x; }\n"
)


@pytest.fixture(scope="module")
def shim() -> str:
    try:
        return str(ensure_shim())
    except CompilerMissing as missing:
        pytest.skip(str(missing))


def run(*command: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def test_version_has_the_form_py_solc_x_reads(shim: str):
    lines = run(shim, "--version").stdout.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(f"Version: {SOLC_VERSION}+commit.")


def test_help_lists_the_combined_outputs(shim: str):
    assert "  --combined-json abi,asm,ast,bin,bin-runtime," in run(shim, "--help").stdout


@pytest.mark.parametrize("arguments", [["--frobnicate"], ["--optimize=1"], ["--evm-version"], []])
def test_what_it_does_not_know_is_refused(shim: str, arguments: list[str]):
    result = run(shim, *arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr


def test_standard_json_is_not_cut_in_a_pipe(shim: str):
    variables = "".join(f"uint256 public value{index};" for index in range(300))
    source = SOURCE.replace("uint256 public x;", variables)
    request = {
        "language": "Solidity",
        "sources": {"C.sol": {"content": source}},
        "settings": {"outputSelection": {"*": {"*": ["abi", "evm.legacyAssembly"]}}},
    }
    output = run(shim, "--standard-json", text=json.dumps(request)).stdout
    assert len(output) > 1 << 17
    assert len(json.loads(output)["contracts"]["C.sol"]["C"]["abi"]) == 300


def test_py_solc_x_compiles_a_source(shim: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(SHIM_FOLDER))
    import solcx

    assert SOLC_VERSION in {str(version) for version in solcx.get_installed_solc_versions()}
    compiled = solcx.compile_source(
        SOURCE, output_values=["abi", "bin"], solc_version=SOLC_VERSION, optimize=True
    )
    assert compiled["<stdin>:C"]["abi"][0]["name"] == "x"
    assert bytes.fromhex(compiled["<stdin>:C"]["bin"])


def test_an_error_in_a_source_is_an_error(shim: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(SHIM_FOLDER))
    import solcx

    with pytest.raises(solcx.exceptions.SolcError, match="ParserError"):
        solcx.compile_source("contract {", output_values=["abi"], solc_version=SOLC_VERSION)


def test_imports_are_read_below_the_base_path(shim: str, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "A.sol").write_text(SOURCE.replace("contract C", "contract A"))
    (tmp_path / "B.sol").write_text(SOURCE + 'import "lib/A.sol";\n')
    command = [shim, "--combined-json", "abi", "--base-path", str(tmp_path)]
    good = run(*command, str(tmp_path / "B.sol"))
    assert set(json.loads(good.stdout)["contracts"]) == {"B.sol:C", "lib/A.sol:A"}
    (tmp_path / "lib" / "A.sol").unlink()
    missing = run(*command, str(tmp_path / "B.sol"))
    assert missing.returncode == 1
    assert "File not found" in missing.stderr
