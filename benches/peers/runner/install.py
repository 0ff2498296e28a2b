"""Installs and builds what a run needs, everything but Debian's packages under `target/peers`.

A step that fails costs its own peers and no others.
"""

import os
import shutil
import subprocess
import sys

from .peers import BUILT, HERE, ROOT, VENV, Peer

DEBIAN = {
    "lws": ["libwebsockets-dev", "libwebsockets-evlib-uv", "pkg-config"],
    "nchan": ["nginx-light", "libnginx-mod-nchan"],
}
# The first build of all crates with fat LTO takes several minutes.
LIMIT = 1800


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def step(name: str, command: list[str], **options) -> bool:
    tell(f"{name} …")
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            timeout=LIMIT,
            **options,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        tell(f"{name}: {error}")
        return False
    if done.returncode != 0:
        tell(f"{name}: exit code {done.returncode}")
    return done.returncode == 0


def install(peers: list[Peer], jobs: int) -> None:
    kinds = {peer.kind for peer in peers}
    BUILT.mkdir(parents=True, exist_ok=True)
    cargo = ["cargo", "build", "--release", "--locked", "-j", str(jobs)]
    dunlin = next((peer for peer in peers if peer.kind == "dunlin"), None)
    if dunlin and dunlin.executable == ROOT / "target" / "release" / "dunlin":
        step("dunlin", [*cargo, "-p", "dunlin-cli"], cwd=ROOT)
    if "cargo" in kinds:
        # Always all of them: a part would be built with other features of the crates that they share.
        folder = ["--target-dir", str(BUILT), "--keep-going"]
        step("the servers in Rust", [*cargo, "--workspace", *folder], cwd=HERE)
    if "npm" in kinds:
        npm()
    if "python" in kinds:
        python()
    for kind, packages in DEBIAN.items():
        if kind in kinds:
            debian(packages)
    if "lws" in kinds:
        libwebsockets()


def npm() -> None:
    folder = BUILT / "npm"
    folder.mkdir(exist_ok=True)
    for name in ["package.json", "package-lock.json", "server.js"]:
        shutil.copy(HERE / "npm-ws" / name, folder / name)
    if not is_fresh(folder / "installed", HERE / "npm-ws" / "package-lock.json"):
        quiet = ["--no-audit", "--no-fund", "--silent"]
        if step("npm", ["npm", "ci", *quiet], cwd=folder):
            (folder / "installed").touch()


def python() -> None:
    wanted = HERE / "python" / "requirements.txt"
    if is_fresh(VENV / "installed", wanted):
        return
    if not step("a Python environment", [sys.executable, "-m", "venv", str(VENV)]):
        return
    pip = [str(VENV / "bin" / "pip"), "install", "--quiet", "-r", str(wanted)]
    if step("pip", pip):
        (VENV / "installed").touch()


def debian(packages: list[str]) -> None:
    query = ["dpkg-query", "-W", "--showformat=${db:Status-Status}\n", *packages]
    try:
        known = subprocess.run(query, capture_output=True, text=True)
    except OSError:
        tell(f"this is no Debian: {' '.join(packages)} are not installed")
        return
    if known.stdout.split() == ["installed"] * len(packages):
        return
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    if os.geteuid() != 0:
        tell(f"wanted: sudo {' '.join(command)}")
        return
    # With this run level the package's own service is not started.
    environment = os.environ | {"RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
    if not step("apt", command, env=environment):
        step("apt, its lists", ["apt-get", "update", "-q"])
        step("apt", command, env=environment)


def libwebsockets() -> None:
    flags = ["pkg-config", "--cflags", "--libs", "libwebsockets"]
    try:
        found = subprocess.run(flags, capture_output=True, text=True)
    except OSError:
        found = None
    if found is None or found.returncode != 0:
        tell("libwebsockets: pkg-config does not know it")
        return
    source, binary = HERE / "libwebsockets" / "server.c", BUILT / "peer-libwebsockets"
    compiler = ["cc", "-O3", "-o", str(binary), str(source), *found.stdout.split()]
    step("libwebsockets", compiler)


def is_fresh(stamp, source) -> bool:
    return stamp.exists() and stamp.stat().st_mtime >= source.stat().st_mtime
