"""Copying a submission's files into the folder where its kernel works."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path


def copy_files(sources: Iterable[Path], target: Path) -> None:
    """Copy the folders ``sources`` over ``target``, later ones winning; links are left out."""
    for source in sources:
        for folder, subfolders, files in os.walk(source):
            here = target / Path(folder).relative_to(source)
            here.mkdir(parents=True, exist_ok=True)
            subfolders[:] = [s for s in subfolders if not (Path(folder) / s).is_symlink()]
            for name in files:
                path = Path(folder) / name
                if path.is_file() and not path.is_symlink():
                    shutil.copyfile(path, here / name)
