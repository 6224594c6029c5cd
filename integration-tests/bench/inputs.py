"""Makes the inputs, or finds them made: the same bytes wherever it runs."""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Input:
    arguments: tuple
    sha256: str


FULL = {
    "words": Input(("words", 1 << 30), "d93154088bdf9e9d52c08121696e0921c7ec947baec72fe40fc27ff6583d9855"),
    "sort": Input(("sort", 10_000_000), "bd0ec6c77b8561d7e12dbde95aaec94472d739a922c106733e084b3e8355da39"),
    "graph": Input(
        ("graph", 1_000_000, 10_000_000), "6cd7db103c57bc46345876a88e0e5ccd312f246ac5ed2ac5a780b8a40a5d6c3d"
    ),
    "listing": Input(("listing", 10_000), "76b7e00861819d12d10220fabd1274a18f1c105dfd0b2baa556598dc36f3add8"),
}
SMALL = {
    "words": Input(("words", 16 << 20), "7f3767a8401cfef45cc33a30d5ac78d3aa7343c1192f3b3e97b25c9ef875ca5f"),
    "sort": Input(("sort", 200_000), "b9163f5db14f9645fae2b337049686cdfaddb84860f7079af64e45eb519dafd5"),
    "graph": Input(("graph", 10_000, 100_000), "5e7a02173f99b3739698255e0499340541e0b8b1ea1c555f53634591f76e218b"),
    "listing": Input(("listing", 1_000), "a75aa2345a03f59f77e8aa2ae673d3f0e3fc19f789a7905e1792193497eaa1c0"),
}


def ensure(name, small, folder, generator):
    """The path of an input whose checksum is right. Reading it for that also brings it into the page cache."""
    wanted = (SMALL if small else FULL)[name]
    path = os.path.join(folder, "-".join(map(str, wanted.arguments)))
    if os.path.exists(path) and checksum(path) == wanted.sha256:
        return path
    print(f"== making {os.path.basename(path)}", flush=True)
    os.makedirs(folder, exist_ok=True)
    remove(path)
    unfinished = path + ".unfinished"
    remove(unfinished)
    subprocess.run([generator, *map(str, wanted.arguments), unfinished], check=True)
    found = checksum(unfinished)
    if found != wanted.sha256:
        raise SystemExit(f"{unfinished} has the SHA-256 {found}, not {wanted.sha256}: did the generator change?")
    os.rename(unfinished, path)
    return path


def checksum(path):
    """Of a file, or of a folder's files one after the other in the order of their names."""
    files = sorted(os.path.join(path, name) for name in os.listdir(path)) if os.path.isdir(path) else [path]
    digest = hashlib.sha256()
    for file in files:
        with open(file, "rb") as bytes_:
            while block := bytes_.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def pad(program, target, mib):
    """Copies a program without what debuggers need, and makes it so large by random bytes at its end."""
    remove(target)
    subprocess.run(["strip", "-o", target, program], check=True)
    missing = (mib << 20) - os.path.getsize(target)
    with open(target, "ab") as file:
        file.write(os.urandom(max(missing, 16)))


def remove(path):
    """Whatever it is, if it is there."""
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.remove(path)
