"""How the process begins: its arguments, its descriptors, whatever the system or a library has done to them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import remora as remora_module
from remora import BINARY, environment, run
from wire import request

pytestmark = pytest.mark.proxy

SETENV = r"""
#include <stdlib.h>
#include <stdio.h>
__attribute__((constructor)) static void begin(void) {
  char name[32];
  for (int number = 0; number < 40; number++) {
    snprintf(name, sizeof name, "PRELOADED_%d", number);
    setenv(name, "by a constructor", 1);
  }
}
"""
"""What agents for tracing and for profiling do: a constructor that sets variables, which moves `environ`."""


CLEARENV = r"""
#define _GNU_SOURCE
#include <stdlib.h>
__attribute__((constructor)) static void begin(void) { clearenv(); }
"""
"""What some sandboxes do: there is no list of variables left, not even an empty one."""


def library(folder: Path, text: str) -> Path:
    """A library to preload, made of C."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("ABSENT: a C compiler, to make a library that is preloaded")
    source = folder / "preloaded.c"
    source.write_text(text)
    made = folder / "preloaded.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(made), str(source)], check=True)
    return made


@pytest.fixture(scope="module")
def preloaded(tmp_path_factory) -> Path:
    """A library whose constructor calls `setenv`."""
    return library(tmp_path_factory.mktemp("preloaded"), SETENV)


def without_proc(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    """Runs a subcommand where nothing is mounted at /proc."""
    command = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
    hide = "mount -t tmpfs none /proc && "
    if subprocess.run([*command, "sh", "-c", hide + "true"], capture_output=True).returncode != 0:
        pytest.skip("ABSENT the right to make namespaces: run as root")
    # The loader reads LD_PRELOAD: the shell and `mount` are not to.
    assign = " ".join(f"{name}={value}" for name, value in (env or {}).items())
    script = f'{hide} exec env {assign} "$@"'
    return subprocess.run(
        [*command, "sh", "-c", script, "sh", str(BINARY), *arguments],
        env=environment(), capture_output=True, text=True, timeout=20,
    )


@pytest.mark.parametrize("place", ["with /proc", "without /proc"])
@pytest.mark.parametrize("library", ["alone", "preloaded"])
def test_arguments_are_those_that_were_typed(preloaded, tmp_path, place, library):
    """`version`, `check` and wrong usage say what they say everywhere, and nothing begins to serve."""
    env = {"LD_PRELOAD": str(preloaded)} if library == "preloaded" else {}
    begin = run if place == "with /proc" else without_proc

    def ask(*words: str) -> subprocess.CompletedProcess:
        return begin(*words, env=env)

    done = ask("version")
    assert done.returncode == 0 and done.stdout.startswith("remora "), done
    file = tmp_path / "spaces and 'quotes'.yaml"
    file.write_text("providers: { mock: {} }\n")
    done = ask("check", str(file))
    assert (done.returncode, done.stdout) == (0, f"{file}: valid\n"), done
    done = ask("check", "--nonsense", "")
    assert done.returncode == 2 and "'--nonsense'" in done.stderr, done


def test_environment_of_a_preloaded_library_is_read(preloaded, tmp_path):
    """What the constructor has set counts like what the shell has set."""
    file = tmp_path / "remora.yaml"
    file.write_text("providers: { o: { kind: openai, api_key: none, organization: '${PRELOADED_39}' } }\n")
    done = run("check", "--print", str(file), env={"LD_PRELOAD": str(preloaded)})
    assert done.returncode == 0 and "by a constructor" in done.stdout, done


def test_no_list_of_variables_is_an_empty_environment(tmp_path):
    env = {"LD_PRELOAD": str(library(tmp_path, CLEARENV))}
    file = tmp_path / "remora.yaml"
    file.write_text("providers: { o: { kind: openai, api_key: none, organization: '${NAME:-nobody}' } }\n")
    done = run("check", "--print", str(file), env=env)
    assert done.returncode == 0 and "nobody" in done.stdout, done
    file.write_text("providers: { o: { kind: openai, api_key: none, organization: '${HOME}' } }\n")
    done = run("check", str(file), env=env)
    assert done.returncode == 1 and "HOME is not set" in done.stdout + done.stderr, done


def test_an_argument_that_is_no_text():
    """A path in other letters than UTF-8 is refused by its place: it would be another file's name."""
    done = subprocess.run(
        [os.fsencode(BINARY), b"check", b"/tmp/\xff\xfe.yaml"], env=environment(), capture_output=True, timeout=20
    )
    assert done.returncode == 2 and b"argument 2 isn't UTF-8" in done.stderr, done


@pytest.mark.parametrize("closed", ["0", "1", "2", "0 1", "1 2", "0 2", "0 1 2"])
def test_closed_descriptors(start_remora, upstream, tmp_path, monkeypatch, closed):
    """Standard input, output or errors that are closed are /dev/null: nothing else gets their numbers."""
    wrapper = tmp_path / "closed.sh"
    steps = " ".join(f"{number}>&-" for number in closed.split())
    wrapper.write_text(f'#!/bin/sh\nexec "{BINARY}" "$@" {steps}\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr(remora_module, "BINARY", wrapper)
    proxy = start_remora(upstream)
    places = Path(f"/proc/{proxy.process.pid}/fd")
    for number in closed.split():
        assert os.readlink(places / number) == "/dev/null"
    assert proxy.ask(request("GET", "/v1/echo")).status == 200


def test_closed_output_of_a_command(tmp_path):
    """Status alone tells then, and the file that is checked isn't taken for the standard output."""
    file = tmp_path / "remora.yaml"
    for text, code in {"providers: { mock: {} }\n": 0, "nonsense: 1\n": 1}.items():
        file.write_text(text)
        done = subprocess.run(
            ["sh", "-c", f'exec "{BINARY}" check "{file}" 0<&- 1>&- 2>&-'], env=environment(), timeout=20
        )
        assert done.returncode == code and file.read_text() == text


@pytest.mark.build("where it looks for libraries")
def test_libraries_are_looked_for_where_the_system_has_them():
    """The binary that ships names no directory of its own: a library beside it must not take the system's place."""
    readelf = shutil.which("readelf")
    if readelf is None:
        pytest.skip("ABSENT: readelf, to see where libraries are looked for")
    text = subprocess.run([readelf, "-d", str(BINARY)], capture_output=True, text=True, check=True).stdout
    if "libswiftCore" in text:
        pytest.skip("not the binary that ships: Swift's runtime isn't linked in")
    assert "RUNPATH" not in text and "RPATH" not in text, text
