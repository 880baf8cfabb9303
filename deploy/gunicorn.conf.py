"""How gunicorn runs the vault. The numbers were chosen by measuring; see docs/performance.md."""

import gc
import os
import select
import shutil
import sys
import tempfile

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "databunker.settings")

try:
    settings.BUNKER_PORT  # noqa: B018 - reads all settings
except ImproperlyConfigured as problem:
    sys.exit(f"databunker: {problem}")

bind = f"{settings.BUNKER_HOST}:{settings.BUNKER_PORT}"
workers = settings.BUNKER_WORKERS or os.cpu_count() or 1
worker_class = "databunker.server.worker.SharedPollWorker" if hasattr(select, "epoll") else "gthread"
threads = settings.BUNKER_THREADS
worker_connections = settings.BUNKER_CONNECTIONS
backlog = 2048
keepalive = 75  # longer than the 60 s after which common load balancers let go of an idle connection
timeout = 60
graceful_timeout = 30
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108 - heartbeats must never wait for a disk

# No access log: paths hold e-mail addresses and tokens. The audit trail has every call.
accesslog = None
logger_class = "databunker.server.log.ServerLog"
control_socket_disable = True

# Headers decide nothing about the path or the scheme: the product reads X-Forwarded-For alone, as TRUSTED_PROXIES says.
forwarder_headers = ""
secure_scheme_headers = {}

limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 8190


def on_starting(server):
    """Refuse to start, with one clear line, where keys or database are not as they must be."""
    import django

    # Workers share their metrics through files in this folder; prometheus_client looks when it is imported.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="databunker-metrics-")
    gc.disable()  # as in post_fork
    django.setup()
    from databunker import memory, startup

    memory.protect_memory()  # each worker does so too, when it loads databunker.wsgi
    try:
        startup.verify()
    except startup.NotReady as problem:
        print(f"databunker: {problem}", file=sys.stderr)
        on_exit(server)
        sys.exit(1)
    gc.collect()
    gc.freeze()  # nor do workers look at it: the memory of what they don't touch stays shared
    gc.enable()


def post_fork(server, worker):
    """What is loaded now stays: to look for garbage in it meanwhile takes a fifth of the time of a start."""
    gc.disable()


def post_worker_init(worker):
    """What lives as long as the process needs no garbage collector, and a request leaves few cycles behind."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def on_exit(server):
    shutil.rmtree(os.environ.get("PROMETHEUS_MULTIPROC_DIR", ""), ignore_errors=True)


def child_exit(server, worker):
    from prometheus_client import multiprocess

    from databunker.server import balance

    balance.forget(worker.age)
    multiprocess.mark_process_dead(worker.pid)
