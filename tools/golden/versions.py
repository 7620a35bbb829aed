"""Records what made a golden file: versions.json in its folder, by file name."""

import json
import subprocess
from importlib.metadata import version
from pathlib import Path


def record(path: Path, *packages: str, **checkouts: str) -> None:
    """Writes the versions of the packages, and the commits of the checkouts (NAME=folder), that `path` was made with."""
    versions = {package: version(package) for package in packages}
    for name, folder in checkouts.items():
        commit = subprocess.run(["git", "-C", folder, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        versions[name.replace("_", "-")] = commit.stdout.strip()
    file = path.parent / "versions.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    known[path.name] = versions
    file.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n")
