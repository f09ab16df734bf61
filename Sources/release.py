"""Copies Swift's static libraries so that a linker can leave out what nothing calls.

The toolchain's mark each public function as to be retained (SHF_GNU_RETAIN), whether it is called or not. In the copies only
what the runtime finds by walking through sections keeps that mark: the records of types and conformances, with all that they
refer to. A function that is called is referred to by its name, and a program that offers no symbols can be called in no
other way.

Layouts: ar(5); elf(5), 64 bits, little-endian. Usage: release.py DIRECTORY COPIES
"""

import os
import struct
import sys

RETAIN = 0x200000
RECORDS = b"swift5_"
LIBRARIES = ("libswiftCore.a", "libswift_Concurrency.a")


def members(archive):
    """Where each file of an archive begins and ends."""
    if archive[:8] != b"!<arch>\n":
        raise ValueError("no archive")
    at = 8
    while at < len(archive):
        if archive[at + 58 : at + 60] != b"`\n":
            raise ValueError(f"no member's head at {at}")
        size = int(archive[at + 48 : at + 58])
        yield at + 60, at + 60 + size
        at += 60 + size + size % 2


def unmark(archive, start):
    """Takes the mark from the sections of the object at `start` that are no records."""
    (table,) = struct.unpack_from("<Q", archive, start + 0x28)
    size, count, names = struct.unpack_from("<HHH", archive, start + 0x3A)
    table += start
    # What doesn't fit into the object's head stands in the first section's.
    if count == 0:
        (count,) = struct.unpack_from("<Q", archive, table + 0x20)
    if names == 0xFFFF:
        (names,) = struct.unpack_from("<I", archive, table + 0x28)
    (texts,) = struct.unpack_from("<Q", archive, table + names * size + 0x18)
    texts += start
    for section in range(table, table + count * size, size):
        name, _, flags = struct.unpack_from("<IIQ", archive, section)
        if flags & RETAIN and not archive.startswith(RECORDS, texts + name):
            struct.pack_into("<Q", archive, section + 8, flags & ~RETAIN)


def copy(library, to):
    with open(library, "rb") as file:
        archive = bytearray(file.read())
    for start, end in members(archive):
        if archive[start : min(end, start + 6)] == b"\x7fELF\x02\x01":
            unmark(archive, start)
    # Whole, or not at all.
    with open(f"{to}.{os.getpid()}", "wb") as file:
        file.write(archive)
    os.replace(file.name, to)


def main(directory, copies):
    try:
        os.makedirs(copies, exist_ok=True)
        for name in LIBRARIES:
            copy(os.path.join(directory, name), os.path.join(copies, name))
    except (OSError, ValueError, struct.error) as problem:
        sys.exit(f"release.py: {directory}: {problem}")


if __name__ == "__main__":
    main(*sys.argv[1:])
