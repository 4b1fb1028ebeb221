"""Build the site into site/: python -m website [--serve [PORT]]."""

import sys
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from website.build import SITE, NotFetchedError, build

PORT = 8000


def main(arguments: list[str]) -> int:
    """Build it and, if asked to, show it on this machine until Ctrl-C."""
    try:
        build()
    except NotFetchedError as error:
        print(f"site: {error}", file=sys.stderr)
        return 1
    print(f"{SITE}/playground/index.html")
    if "--serve" in arguments:
        serve(int(next((each for each in arguments if each.isdigit()), PORT)))
    return 0


def serve(port: int) -> None:
    """Show the site on this machine until Ctrl-C."""
    handler = partial(SimpleHTTPRequestHandler, directory=SITE)
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server, suppress(KeyboardInterrupt):
        print(f"http://127.0.0.1:{server.server_port}/playground/")
        server.serve_forever()


sys.exit(main(sys.argv[1:]))
