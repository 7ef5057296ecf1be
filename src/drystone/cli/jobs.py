"""``drystone relay``, ``worker`` and ``queues``: jobs sent, done and counted."""

from __future__ import annotations

import asyncio
import signal
import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path

import click

from drystone.cli import output
from drystone.cli.context import Context, json_option, pass_context
from drystone.database.session import connect_async
from drystone.errors import SettingsError
from drystone.jobs.handlers import Registry
from drystone.jobs.health import QueueHealth, QueuesHealth, queues_health
from drystone.jobs.relay import Relay
from drystone.jobs.worker import WorkerProcess
from drystone.redis.target import locate_redis

_FINDINGS = 1


@click.command()
@click.option("--once", is_flag=True, help="Send what there is, and end.")
@click.option(
    "--again", is_flag=True, help="First, let all jobs that are not done be sent again."
)
@json_option
@pass_context
def relay(context: Context, *, once: bool, again: bool, as_json: bool) -> None:
    """Send the jobs of the outbox to Redis, in their order.

    Any number of relays may run: one sends at a time. While Redis is away, jobs wait in
    the outbox; what Redis has lost is sent again.
    """
    if as_json and not once:
        raise click.UsageError("--json goes with --once")
    sender = Relay(
        context.target.conninfo,
        locate_redis(context.settings).url,
        context.settings,
        report=_report,
    )
    sent = asyncio.run(_relay(sender, once=once, again=again))
    if as_json:
        output.document({"sent": sent})
    elif once:
        output.line("1 job sent" if sent == 1 else f"{sent} jobs sent")


async def _relay(sender: Relay, *, once: bool, again: bool) -> int:
    if again:
        await sender.rewind()
    if once:
        return await sender.drain()
    async with _stop_on_signal() as stop:
        _report("sending jobs; end with SIGTERM or Ctrl-C")
        await sender.run(stop)
    return 0


@click.command()
@click.argument("registries", nargs=-1, required=True, metavar="MODULE:REGISTRY...")
@click.option(
    "--queue",
    "queues",
    multiple=True,
    metavar="QUEUE",
    help="Work on this queue only; may be given again.",
)
@pass_context
def worker(
    context: Context, *, registries: tuple[str, ...], queues: tuple[str, ...]
) -> None:
    """Do jobs with the handlers of a registry, such as app.jobs:registry.

    SIGTERM: no more jobs are taken, those at hand are finished within the grace period
    of the setting worker_grace, or given back.
    """
    combined = Registry()
    for name in registries:
        combined.include(_load(name))
    process = WorkerProcess(
        context.target.conninfo,
        locate_redis(context.settings).url,
        context.settings,
        combined,
        queues=queues,
        report=_report,
    )
    asyncio.run(_work(process))


async def _work(process: WorkerProcess) -> None:
    async with _stop_on_signal() as stop:
        await process.run(stop)


@click.command()
@json_option
@pass_context
def queues(context: Context, *, as_json: bool) -> None:
    """Show how many jobs wait, run and failed, and whether jobs get through.

    Exits with 1 if they do not: Redis is away, or no relay sends.
    """
    health = asyncio.run(_health(context))
    if as_json:
        output.document(health.as_document())
    else:
        _print(health)
    if health.reason is not None:
        output.line(f"{health.status}: {health.reason}", stderr=True)
        raise SystemExit(_FINDINGS)


async def _health(context: Context) -> QueuesHealth:
    settings = context.settings
    async with await connect_async(context.target.conninfo, settings) as connection:
        return await queues_health(connection, locate_redis(settings).url, settings)


def _print(health: QueuesHealth) -> None:
    headers = (
        "queue",
        "unsent",
        "in Redis",
        "waiting",
        "delayed",
        "active",
        "completed",
        "failed",
        "oldest wait",
    )
    rows = [(each.outbox.queue, *_cells(each)) for each in health.queues]
    output.table(headers, rows, right=headers[1:])


def _cells(each: QueueHealth) -> list[str]:
    cells = [str(each.outbox.unsent), str(each.outbox.sent)]
    if each.redis is None:
        return [*cells, *["?"] * 5, output.duration(each.outbox.oldest_unsent_s)]
    found = each.redis
    waiting = found.waiting + found.prioritized
    oldest = max(each.outbox.oldest_unsent_s, found.oldest_wait_s)
    return [
        *cells,
        f"{waiting} paused" if found.paused else str(waiting),
        str(found.delayed),
        str(found.active),
        str(found.completed),
        str(found.failed),
        output.duration(oldest),
    ]


def _load(name: str) -> Registry:
    """Import a registry as ``module:name``; the current folder counts as a library."""
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute:
        raise SettingsError(
            f"{name} does not name a registry",
            hint="Write it as module:name, such as app.jobs:registry.",
        )
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = getattr(import_module(module_name), attribute, None)
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"{name} cannot be imported: there is no module {error.name}",
            hint="Run the command in the folder of the module, or install it.",
        ) from error
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise SettingsError(
            f"{name} cannot be imported: {type(error).__name__} at"
            f" {frame.filename}:{frame.lineno}"
        ) from error
    if not isinstance(found, Registry):
        raise SettingsError(
            f"{name} is not a drystone.jobs.Registry",
            hint=f"In {module_name}: {attribute} = Registry()",
        )
    return found


@asynccontextmanager
async def _stop_on_signal() -> AsyncIterator[asyncio.Event]:
    """Set the event at the first SIGTERM or SIGINT; the second one ends at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask, number)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _report(text: str) -> None:
    output.line(text, stderr=True)
