"""A volume as kubelet keeps it, written in kubelet's own order of steps.

`name -> ..data/name` and `..data -> ..DATED`, so that one rename publishes all files at once; right after it the
old dated directory goes.
"""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

_numbers = itertools.count(1)


class Volume:
    """The mounted directory of a ConfigMap or Secret."""

    def __init__(self, path: Path, *, mode: int = 0o644, **files: str | bytes) -> None:
        self.path = path
        self.mode = mode
        self.current: Path | None = None
        self.modes: dict[str, tuple[int, int]] = {}
        """Mode and group of files that have others than the rest, by name."""
        path.mkdir(mode=0o755)
        self.publish(**files)

    def __truediv__(self, name: str) -> Path:
        return self.path / name.replace("_", ".")

    def publish(self, **files: str | bytes) -> None:
        """Makes `files` the volume's whole content. A name's underscore stands for a dot: `remora_yaml=...`."""
        wanted = {name.replace("_", "."): _bytes(text) for name, text in files.items()}
        dated = self.path / f"..2026_01_01_00_00_00.{next(_numbers):09d}"
        dated.mkdir(mode=0o755)
        for name, data in wanted.items():
            (dated / name).write_bytes(data)
            mode, group = self.modes.get(name, (self.mode, -1))
            os.chown(dated / name, -1, group)
            (dated / name).chmod(mode)
        for name in wanted:
            if not (self.path / name).is_symlink():
                os.symlink(f"..data/{name}", self.path / name)
        fresh = self.path / "..data_tmp"
        os.symlink(dated.name, fresh)
        os.rename(fresh, self.path / "..data")
        for entry in self.path.iterdir():
            if not entry.name.startswith("..") and entry.name not in wanted:
                entry.unlink()
        if self.current is not None:
            shutil.rmtree(self.current)
        self.current = dated

    def remove(self) -> None:
        """Takes the directory away."""
        shutil.rmtree(self.path)
        self.current = None


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
