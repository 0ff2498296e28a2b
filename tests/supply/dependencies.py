"""Licences, sources and banned crates of everything that dunlin is built from.

Reads `cargo metadata` of the workspace and of the fuzz targets, with every feature and for every
target, so that nothing comes in by a side door. Needs no network. Usage: dependencies.py MANIFEST...
"""

import json
import subprocess
import sys

from license_expression import get_spdx_licensing

# Each lets a program under MIT OR Apache-2.0 be given on, in source and in binary.
ALLOWED = {
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-3-Clause",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
}
# Those of tools that run on the developer's machine and are no part of what is given on.
ALLOWED_IN_TESTS = {"NCSA"}
BANNED = {
    "tokio": "dunlin has no async runtime",
    "async-std": "dunlin has no async runtime",
    "smol": "dunlin has no async runtime",
    "openssl-sys": "there is one TLS, in Rust",
    "native-tls": "there is one TLS, in Rust",
}
REGISTRY = "registry+"

spdx = get_spdx_licensing()


def is_allowed(expression, allowed):
    """Whether some choice that the expression leaves is on the list."""
    if expression.__class__.__name__ == "OR":
        return any(is_allowed(part, allowed) for part in expression.args)
    if expression.__class__.__name__ == "AND":
        return all(is_allowed(part, allowed) for part in expression.args)
    return str(expression) in allowed


def problems(package, allowed):
    """What is wrong with a package, in sentences."""
    if package["source"] is None:
        return  # a package of this workspace
    if not package["source"].startswith(REGISTRY):
        yield f"comes from {package['source']}, and not from the registry"
    if package["name"] in BANNED:
        yield f"is banned: {BANNED[package['name']]}"
    text = (package["license"] or "").replace("/", " OR ")
    if not text:
        yield "names no licence"
        return
    try:
        expression = spdx.parse(text, validate=True)
    except Exception as error:  # the library has several kinds
        yield f"has a licence that cannot be read: {text}: {error}"
        return
    if not is_allowed(expression, allowed):
        yield f"has the licence {text}, which is not on the list"


def packages(manifest):
    """Every package that a manifest's lock file names."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"]
    output = subprocess.check_output([*command, "--manifest-path", manifest])
    return json.loads(output)["packages"]


def refuses_what_it_should():
    """The check can fail: it is tried on packages that must not pass."""
    good = {"name": "a", "source": "registry+x", "license": "MIT/Apache-2.0"}
    bad = [
        {"license": "GPL-3.0-only"},
        {"license": "MIT AND GPL-3.0-only"},
        {"license": None},
        {"license": "no such licence"},
        {"source": "git+https://example.org/a"},
        {"name": "tokio"},
    ]
    assert not list(problems(good, ALLOWED)), "a good package is refused"
    for change in bad:
        assert list(problems(good | change, ALLOWED)), f"{change} is taken"


def main(manifests):
    refuses_what_it_should()
    found = 0
    seen = {}
    for manifest in manifests:
        is_product = manifest == manifests[0]
        allowed = ALLOWED if is_product else ALLOWED | ALLOWED_IN_TESTS
        for package in packages(manifest):
            name = f"{package['name']} {package['version']}"
            seen.setdefault(name, package["license"])
            for problem in problems(package, allowed):
                found += 1
                print(f"supply: {manifest}: {name} {problem}", file=sys.stderr)
    print(f"supply: {len(seen)} packages, {found} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
