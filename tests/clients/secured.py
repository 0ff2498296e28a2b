"""A server with a certificate, with Python's websockets and its own HTTP client.

Usage: python secured.py PATH_OF_DUNLIN FOLDER_WITH_CERT_AND_KEY
"""

import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

from websockets.sync.client import connect

SECONDS = 10


def equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"got {got!r}, wanted {wanted!r}")


def trusting(certificate, version=None):
    context = ssl.create_default_context(cafile=certificate)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


def opened(url, context):
    return connect(url, ssl=context, max_size=None, open_timeout=SECONDS, close_timeout=SECONDS)


def talks(base, certificate):
    for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
        with opened(base.replace("http", "ws", 1) + "echo-raw", trusting(certificate, version)) as client:
            for message in ["short", "x" * (1 << 20), b"\x00\xff" * 40_000, ""]:
                client.send(message)
                equal(client.recv(timeout=SECONDS), message)


def speaks_https(base, certificate):
    with urllib.request.urlopen(base, timeout=SECONDS, context=trusting(certificate)) as answer:
        equal(answer.status, 200)
    try:
        urllib.request.urlopen(base.replace("https", "http", 1), timeout=SECONDS)
    except urllib.error.HTTPError as error:
        equal(error.code, 400)
        assert b"https://" in error.read()
    else:
        raise AssertionError("plain HTTP was answered")


def is_not_believed(base):
    try:
        opened(base.replace("http", "ws", 1) + "echo-raw", ssl.create_default_context())
    except ssl.SSLCertVerificationError:
        return
    raise AssertionError("a stranger was believed")


def main():
    binary, folder = sys.argv[1:]
    certificate = f"{folder}/cert.pem"
    server = subprocess.Popen(
        [binary, "serve", "--listen", "127.0.0.1:0", "--log", "warn", "--cert", certificate, "--key", f"{folder}/key.pem"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = server.stdout.readline()
        address = next(word for word in line.split() if word.startswith("https://"))
        base = address.replace("127.0.0.1", "localhost")
        talks(base, certificate)
        speaks_https(base, certificate)
        is_not_believed(base)
        server.send_signal(signal.SIGTERM)
        equal(server.wait(timeout=SECONDS), 0)
    finally:
        server.kill()
    print("secured.py: ok")


if __name__ == "__main__":
    main()
