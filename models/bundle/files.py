"""A bundle as a folder: the manifest has each file's digest, the seal the manifest's; parsing follows their check."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from core.errors import ForesellError

MANIFEST, SEAL = "manifest.json", "manifest.sha256"


@dataclass(frozen=True)
class BundleFiles:
    """The verified bytes of a bundle; parse these instead of reading the files again."""

    manifest: Mapping[str, Any]
    content: Mapping[str, bytes]
    digest: str  # of the manifest: the bundle's

    def json(self, name: str) -> Any:
        """A file's JSON; ForesellError if the bundle has no such file or it is not JSON."""
        try:
            return json.loads(self.content[name])
        except (KeyError, ValueError) as e:
            raise refused(f"must have {name} as JSON", f"{type(e).__name__}: {e}") from None


def digest_of(content: bytes) -> str:
    """SHA-256, as `sha256:<hex>`."""
    return f"sha256:{sha256(content).hexdigest()}"


def as_bytes(plain: Any) -> bytes:
    """JSON as bytes, the same each time; floats read back to the bit."""
    return (json.dumps(plain, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def write(folder: Path, content: Mapping[str, bytes], facts: Mapping[str, Any]) -> str:
    """Write the files and their manifest at once (into a new folder, then renamed); returns the bundle's digest."""
    if folder.exists():
        rule = "A bundle must be written into a new folder."
        raise ForesellError(rule, f"{folder} exists", "name another folder, or remove this one")
    manifest = as_bytes({**facts, "files": {name: digest_of(data) for name, data in content.items()}})
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for name, data in {**content, MANIFEST: manifest, SEAL: f"{digest_of(manifest)}\n".encode()}.items():
        path = part / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    part.rename(folder)
    return digest_of(manifest)


def verify(folder: Path, digest: str | None = None) -> BundleFiles:
    """Read a bundle and check each digest before anything is parsed; digest: the expected digest of the bundle.

    ForesellError lists every file that is missing, unexpected or altered.
    """
    content = _read(folder)
    manifest = content.pop(MANIFEST, b"")
    sealed, found = content.pop(SEAL, b"").decode("ascii", "replace"), digest_of(manifest)
    if sealed != f"{found}\n":
        raise refused(f"must have a manifest with the digest in {SEAL}", f"{found} instead of {sealed.strip()!r}")
    if digest is not None and digest != found:
        raise refused("must be the one that was registered", f"{found} instead of {digest}")
    facts = json.loads(manifest)
    gaps = _gaps(facts["files"], {name: digest_of(data) for name, data in content.items()})
    if gaps:
        raise refused("must have the files of its manifest, unaltered", "; ".join(gaps))
    return BundleFiles(facts, content, found)


def difference(expected: Sequence[str], found: Sequence[str]) -> str:
    """The difference between two lists of names, in words; empty if they are equal."""
    missing, extra = [n for n in expected if n not in found], [n for n in found if n not in expected]
    gaps = [f"{what} {', '.join(names)}" for what, names in (("missing", missing), ("unexpected", extra)) if names]
    if not gaps and list(expected) != list(found):
        first = next(i for i, pair in enumerate(zip(expected, found, strict=False)) if pair[0] != pair[1])
        gaps = [f"another order from place {first} on: {found[first]} instead of {expected[first]}"]
    return "; ".join(gaps)


def refused(rule: str, found: str) -> ForesellError:
    """The error of a bundle that fails a check."""
    return ForesellError(f"A bundle {rule}.", found, "keep the serving model; fetch or train this one again")


def _read(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        raise refused("must be a folder", str(folder))
    try:
        paths = sorted(p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir())
        links = [p.name for p in paths if p.is_symlink()]
        if links:
            raise refused("must have plain files only", f"links: {', '.join(links)}")
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths}
    except OSError as e:
        raise refused("must be readable", str(e)) from None


def _gaps(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    missing = [f"{name} is missing" for name in sorted(expected.keys() - found.keys())]
    extra = [f"{name} is not in the manifest" for name in sorted(found.keys() - expected.keys())]
    common = sorted(expected.keys() & found.keys())
    altered = [f"{n} has {found[n][:19]}…, not {expected[n][:19]}…" for n in common if found[n] != expected[n]]
    return missing + extra + altered
