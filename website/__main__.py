"""Build the site into site/: python3 dev.py site [--serve [PORT]]."""

import argparse
import sys
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from website.build import SITE, BrokenLinksError, build
from website.playground_files import NotFetchedError

PORT = 8000


def main(arguments: list[str]) -> int:
    """Build it and, if asked to, show it on this machine until Ctrl-C; the exit status."""
    parser = argparse.ArgumentParser(
        prog="dev.py site",
        description="Build the site into site/: the docs, the API, every verb, the bugs, and the playground.",
        epilog="Exit status: 0 it is built, 1 it is not, or a link in it leads nowhere, 2 a wrong argument.",
    )
    parser.add_argument(
        "--serve", metavar="PORT", nargs="?", type=_port, const=PORT, help=f"show it here until Ctrl-C ({PORT})"
    )
    asked = parser.parse_args(arguments)
    try:
        build()
    except (NotFetchedError, BrokenLinksError) as error:
        print(f"site: {error}", file=sys.stderr)
        return 1
    print(f"{SITE}/index.html")
    if asked.serve is not None:
        return serve(asked.serve)
    return 0


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535, and 0 takes a free one")
    return int(text)


def serve(port: int) -> int:
    """Show the site on this machine until Ctrl-C; the exit status."""
    handler = partial(SimpleHTTPRequestHandler, directory=SITE)
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        print(f"site: port {port}: {error.strerror}; --serve 0 takes a free one", file=sys.stderr)
        return 1
    with server, suppress(KeyboardInterrupt):
        print(f"http://127.0.0.1:{server.server_port}/", flush=True)
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
