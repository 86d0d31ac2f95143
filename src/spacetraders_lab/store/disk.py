"""Tells where a file would lie: SQLite's locks cannot be relied on over a network. Looks only, opens nothing."""

from pathlib import Path

MOUNTS = Path("/proc/self/mounts")  # Linux; where there is no such file nothing is known, and nothing is refused
_OVER_A_NETWORK = {
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "fuse.glusterfs",
    "fuse.s3fs",
    "fuse.sshfs",
    "glusterfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
}


def network_file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """The kind of network file system that the path lies on; None for a local one, and where nobody can tell."""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return None
    kind, depth = "", -1
    for line in lines:
        _, place, found, *_ = line.split(" ")
        place = place.replace("\\040", " ")  # how that file writes a space
        if path.is_relative_to(place) and len(Path(place).parts) >= depth:
            kind, depth = found, len(Path(place).parts)
    return kind if kind in _OVER_A_NETWORK else None
