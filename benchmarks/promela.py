"""The ideal ledger once more, in Promela: what SPIN counts is what `hugeresv explore ideal` must count.

It is a second description, made of bit masks: two processes, each with a private mapping of some pages and a shared one
of a file's pages, in one pool without surplus pages; the operations are `mmap touch munmap fork exit punch`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations


def promela(pool: int, pages: int, shared: int) -> str:
    """A model for SPIN with the bound of `--pool`, `--pages` and `--shared`; up to 7 pages of each kind."""
    return "\n".join([_STATE % {"pool": pool, "pages": pages}, *_moves(pages, shared), "  od\n}\n"])


_STATE = """\
#define ONES(x) (((x)&1) + (((x)>>1)&1) + (((x)>>2)&1) + (((x)>>3)&1) + (((x)>>4)&1) + (((x)>>5)&1) + (((x)>>6)&1))
#define HAS(x, i) (((x) >> (i)) & 1)
#define WITH(x, i) ((x) | (1 << (i)))
#define WITHOUT(x, i) ((x) & ~(1 << (i)))
#define UNPROMISED (free > 0 && free != resv)
#define PROMISES(p) (owner[p] -> ONES(mapped[p] & ~consumed[p]) : 0)
#define LEDGER assert(resv == PROMISES(0) + PROMISES(1) + ONES(reserved & ~cached) && resv >= 0 && resv <= free \\
    && free + ONES(present[0]) + ONES(present[1]) - ONES(common) + ONES(cached) == %(pool)d)

byte free = %(pool)d; byte resv;
byte mapped[2], consumed[2], present[2], marked[2], attached[2];
bit owner[2];
byte common, reserved, cached; /* pages that both processes have; the file's map and its cache */
byte k;

inline mark(p, i) { /* the whole run of mapped pages around page i */
  k = i; do :: k < %(pages)d && HAS(mapped[p], k) -> marked[p] = WITH(marked[p], k); k++ :: else -> break od;
  k = i; do
  :: k > 0 && HAS(mapped[p], k - 1) -> k--; marked[p] = WITH(marked[p], k)
  :: else -> break
  od; k = 0
}
inline write_present(p, q, i) {
  if
  :: !HAS(common, i)
  :: else -> if
    :: UNPROMISED -> free--; common = WITHOUT(common, i)
    :: else -> if
      :: owner[p] -> common = WITHOUT(common, i); present[q] = WITHOUT(present[q], i); mark(q, i)
      :: else
      fi
    fi
  fi
}
inline write(p, q, i) {
  if
  :: HAS(present[p], i) -> write_present(p, q, i)
  :: else -> if
    :: HAS(marked[p], i)
    :: else -> if
      :: owner[p] && !HAS(consumed[p], i) ->
         free--; resv--; consumed[p] = WITH(consumed[p], i); present[p] = WITH(present[p], i)
      :: else -> if :: UNPROMISED -> free--; present[p] = WITH(present[p], i) :: else fi
      fi
    fi
  fi
}
inline write_shared(i) {
  if
  :: HAS(cached, i)
  :: else -> if
    :: HAS(reserved, i) -> free--; resv--; cached = WITH(cached, i)
    :: else -> if :: UNPROMISED -> free--; reserved = WITH(reserved, i); cached = WITH(cached, i) :: else fi
    fi
  fi
}
inline unmap(p, m) {
  resv = resv - (owner[p] -> ONES(m & mapped[p] & ~consumed[p]) : 0);
  free = free + ONES(present[p] & m & ~common);
  common = common & ~(m & present[p]);
  mapped[p] = mapped[p] & ~m; consumed[p] = consumed[p] & ~m; present[p] = present[p] & ~m; marked[p] = marked[p] & ~m;
  if :: mapped[p] == 0 -> owner[p] = 0 :: else fi
}

active proctype machine() {
  do"""


def _moves(pages: int, shared: int) -> Iterator[str]:
    """Every operation of either process, where it stands for something, and the ledger after it."""
    for p, q in ((0, 1), (1, 0)):
        if pages:
            whole = (1 << pages) - 1
            made = f"resv = resv + {pages}; mapped[{p}] = {whole}; owner[{p}] = 1"
            yield _move(f"mapped[{p}] == 0", f"if :: resv + {pages} <= free -> {made} :: else fi")
        if shared:
            whole = (1 << shared) - 1
            missing = f"ONES({whole} & ~reserved)"
            made = f"resv = resv + {missing}; reserved = {whole}; attached[{p}] = {whole}"
            yield _move(f"attached[{p}] == 0", f"if :: resv + {missing} <= free -> {made} :: else fi")
        yield from (_move(f"HAS(mapped[{p}], {i})", f"write({p}, {q}, {i})") for i in range(pages))
        yield from (_move(f"HAS(attached[{p}], {i})", f"write_shared({i})") for i in range(shared))
        for name, length in (("mapped", pages), ("attached", shared)):
            for first, end in combinations(range(length + 1), 2):
                mask = (1 << end) - (1 << first)
                gone = f"unmap({p}, {mask})" if name == "mapped" else f"attached[{p}] = attached[{p}] & ~{mask}"
                yield _move(f"HAS({name}[{p}], {first}) && HAS({name}[{p}], {end - 1})", gone)
        there = f"(mapped[{p}] || attached[{p}])"
        copied = f"mapped[{q}] = mapped[{p}]; present[{q}] = present[{p}]; common = present[{p}]"
        yield _move(f"{there} && !mapped[{q}] && !attached[{q}]", f"{copied}; attached[{q}] = attached[{p}]")
        yield _move(there, f"unmap({p}, {(1 << pages) - 1}); attached[{p}] = 0")
    for i in range(shared):
        gone = f"free++; cached = WITHOUT(cached, {i}); reserved = WITHOUT(reserved, {i})"
        yield _move(f"HAS(cached, {i})", gone)


def _move(when: str, what: str) -> str:
    return f"  :: d_step {{ {when} -> {what}; LEDGER }}"
