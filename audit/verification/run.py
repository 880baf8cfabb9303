"""The whole verification: what there is to do, done by several processes, and what comes of it."""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import chain

from django.db.models import Max

from databunker.crypto import store
from databunker.db.statements import leave_to_parent
from databunker.ids import event_millis, unix_now

from .. import retention, trees
from ..models import Head, Leaf, Pruning
from ..trees import Tree
from .chunks import CHUNK, Chunk, Seen, check_chunk
from .findings import Findings, Kind
from .waiting import Waiting, check_waiting, stretches

__all__ = ["Options", "Report", "verify"]

Tell = Callable[[int, int], None]

_AHEAD = 4
_PR_SET_PDEATHSIG = 1
_MILLIS = 1000


def _nobody(_done: int, _total: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Options:
    """What is verified, and how.

    Attributes:
        start: leaves before this position are taken as the heads say, events before it not looked at.
        since: the same, up to the last head before this time (Unix seconds).
        backlog_seconds: events may wait so long for their place.
        seen: heads that a witness holds, by origin.
        processes: how many work at once; with 1 it is this one.
        tell: called with how many leaves are verified, and how many there are to verify.
        stopped: asked now and then; true ends it.
    """

    start: int = 0
    since: int | None = None
    backlog_seconds: int = 600
    seen: Mapping[str, Sequence[Seen]] = field(default_factory=dict)
    processes: int = 1
    tell: Tell = _nobody
    stopped: Callable[[], bool] = lambda: False


@dataclass(slots=True)
class Report:
    """`sizes` are those of the newest heads, by tenant. `reached` is set where it was stopped: how far it came."""

    found: Findings
    sizes: dict[int, int]
    reached: int | None = None


def verify(options: Options) -> Report:
    """Verify the trees of all tenants, as they are now, and whatever is in none.

    Raises:
        DatabaseError: the database can't be read.
        KeyringError, MasterKeyError: the keys can't be had.
    """
    store.current_keyring()
    report = Report(Findings(), {})
    chunks: list[Iterable[Chunk]] = []
    total = 0
    known = trees.all_trees()
    _check_strays(report.found, {tree.tenant for tree in known}, options)
    for tree in known:
        start, end = _extent(tree, options, report)
        chunks.append(_chunks(tree, start, end, options.seen.get(tree.origin, ())))
        total += max(end - start, 0)
    done = 0
    for job, found in _done(chain(*chunks, stretches()), options):
        report.found.merge(found)
        if isinstance(job, Chunk):
            done += job.end - job.start
            options.tell(done, total)
            report.reached = job.end
    if not options.stopped():
        report.reached = None
        _check_backlog(report.found, options)
    return report


# --- what there is to do ---------------------------------------------------------------------------------------------


def _extent(tree: Tree, options: Options, report: Report) -> tuple[int, int]:
    """From where to where the tree is gone through; in passing its newest head, its row and its ends are judged."""
    found = report.found
    # In this order: whatever is sealed meanwhile makes the later ones larger.
    last = Leaf.objects.filter(tenant=tree.tenant).aggregate(last=Max("position"))["last"]
    leaves = 0 if last is None else last + 1
    newest = trees.newest_head(tree.tenant)
    size = 0 if newest is None else newest.size
    report.sizes[tree.tenant] = size
    row = trees.tree_of(tree.tenant)
    if row is None or row.size < size or (row.size and trees.head_at(tree.tenant, row.size) is None):
        found.add(Kind.TREE, tree.tenant, f"the tree's row does not say the size of its newest head, {size}")
    if leaves > size:
        text = f"leaves were added behind the newest head, from position {size} on, or heads were removed"
        found.add(Kind.ADDED, tree.tenant, text, position=size)
    _check_pruning(tree, found)
    _check_witness(tree, size, options.seen.get(tree.origin, ()), found)
    start = max(options.start, _size_at(tree, options.since))
    return min(start, size) // CHUNK * CHUNK, max(size, leaves)


def _size_at(tree: Tree, since: int | None) -> int:
    if since is None:
        return 0
    before = Head.objects.filter(tenant=tree.tenant, at__lt=since)
    return before.aggregate(size=Max("size"))["size"] or 0


def _chunks(tree: Tree, start: int, end: int, seen: Sequence[Seen]) -> Iterator[Chunk]:
    for first in range(start, end, CHUNK):
        last = min(first + CHUNK, end)
        yield Chunk(tree, first, last, tuple(one for one in seen if first < one.size <= last))


def _check_pruning(tree: Tree, found: Findings) -> None:
    if Pruning.objects.filter(tenant=tree.tenant).exists() and not retention.pruned_before(tree):
        found.add(Kind.HEAD, tree.tenant, "the signature of the statement on deleted events does not hold")


def _check_witness(tree: Tree, size: int, seen: Sequence[Seen], found: Findings) -> None:
    largest = max((one.size for one in seen), default=0)
    if largest > size:
        text = f"a witness holds a head of size {largest}, the newest here has {size}: the trail was rolled back"
        found.add(Kind.WITNESS, tree.tenant, text, position=size)


def _check_strays(found: Findings, tenants: set[int], options: Options) -> None:
    """Heads, leaves and witnesses of trees that are not there."""
    for tenant in Head.objects.exclude(tenant__in=tenants).values_list("tenant", flat=True).distinct():
        found.add(Kind.TREE, tenant, "the tree's row is gone: what its heads were signed for can't be told")
    if not tenants and Leaf.objects.exists():
        found.add(Kind.TREE, 0, "there are leaves, and no tree")
    origins = {tree.origin for tree in trees.all_trees()}
    for origin in options.seen.keys() - origins:
        found.add(Kind.WITNESS, 0, f"a witness holds heads of the tree {origin}, which is not here")


def _check_backlog(found: Findings, options: Options) -> None:
    if found.oldest_waiting is None:
        return
    age = unix_now() - event_millis(found.oldest_waiting) // _MILLIS
    if age > options.backlog_seconds:
        text = f"{found.waiting:,} events are not sealed, the oldest for {age:,} s, event {found.oldest_waiting}"
        found.add(Kind.BACKLOG, 0, text, event=found.oldest_waiting)


# --- doing it --------------------------------------------------------------------------------------------------------

Job = Chunk | Waiting


def _work(job: Job) -> Findings:
    return check_chunk(job) if isinstance(job, Chunk) else check_waiting(job)


def _begin() -> None:
    """In a new process, which ends with its parent, and not before it when the terminal says Ctrl-C to both."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    leave_to_parent()


def _done(jobs: Iterable[Job], options: Options) -> Iterator[tuple[Job, Findings]]:
    """Each job with what was found, in order; none is begun any more once it is stopped."""
    if options.processes == 1:
        for job in jobs:
            if options.stopped():
                return
            yield job, _work(job)
        return
    # Forked, so that they have the keys and the settings as they are here.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(options.processes, context, _begin) as pool:
        pending: deque[tuple[Job, Future[Findings]]] = deque()
        for job in jobs:
            if options.stopped():
                break
            pending.append((job, pool.submit(_work, job)))
            if len(pending) >= _AHEAD * options.processes:
                first, future = pending.popleft()
                yield first, future.result()
        while pending:
            first, future = pending.popleft()
            yield first, future.result()
