"""The connector: claims, works, gives signs of life and watches, each at its own pace, until it is stopped."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fabroute.bureau.bench import HOME, JOBS, Bench
from fabroute.bureau.claiming import Claimer
from fabroute.bureau.disk import locked_folder
from fabroute.bureau.heartbeats import Heart
from fabroute.bureau.patience import Patience
from fabroute.bureau.records import Records
from fabroute.bureau.settings import BureauSettings, PrinterAccess
from fabroute.bureau.watching import Watcher
from fabroute.bureau.wire import FabrouteWire, Refused, Unavailable
from fabroute.bureau.working import Worker
from fabroute.integrations.printers import MoonrakerPrinter, OctoPrintPrinter, Printer, PrusaLinkPrinter

_JOIN_SECONDS = 10.0
_REFUSED_SECONDS = 60.0
_ONCE_STEPS = 50


class Connector:
    """Everything that a bureau's connector does, on one bench."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._claimer = Claimer(bench)
        self._worker = Worker(bench)
        self._heart = Heart(bench)
        self._watcher = Watcher(bench)

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set. A claim that waits at the server then is left: its answer comes again later."""
        steps = (self._heart.step, self._worker.step, self._watcher.step)
        patient = [threading.Thread(target=self._repeat, args=(step, stop), daemon=True) for step in steps]
        claims = threading.Thread(target=self._repeat, args=(self._claimer.step, stop), daemon=True)
        for thread in (*patient, claims):
            thread.start()
        try:
            stop.wait()
        finally:
            stop.set()
            until = time.monotonic() + _JOIN_SECONDS
            for thread in patient:
                thread.join(max(0.0, until - time.monotonic()))

    def run_once(self) -> None:
        """Claim what is there now, take every job as far as it goes without people, and return.

        Raises ``Unavailable`` where fabroute can't be reached; what is not done is done the next time.
        """
        self._claimer.step(wait_seconds=0)
        self._heart.step()
        for _ in range(_ONCE_STEPS):
            before = self._bench.records.all()
            self._worker.step()
            if self._bench.records.all() == before:
                return

    def _repeat(self, step: Callable[[], float], stop: threading.Event) -> None:
        patience, silent = Patience(), False
        while not stop.is_set():
            try:
                pause = step()
            except Unavailable as error:
                pause = patience.next_seconds(retry_after=error.retry_after)
                if not silent:
                    self._bench.say(error.message)
                silent = True
            except Refused as refusal:
                pause = _REFUSED_SECONDS
                self._bench.say(f"{refusal.message} ({refusal.code})")
            except OSError as error:
                pause = _REFUSED_SECONDS
                self._bench.say(f"the folder can't be used ({error}): mend that, it is tried again")
            else:
                patience.reset()
                silent = False
            stop.wait(pause)


@contextmanager
def open_bench(settings: BureauSettings, *, say: Callable[[str], None], settle_seconds: float = 1.0) -> Iterator[Bench]:
    """Yield the bench of a bureau's folder, locked for this process. Raises ``FolderInUse``."""
    home = settings.folder / HOME
    with ExitStack() as opened:
        opened.enter_context(locked_folder(home / "lock"))
        wire = opened.enter_context(FabrouteWire(url=settings.url, key=settings.key))
        printer = None if settings.printer is None else opened.enter_context(open_printer(settings.printer))
        (settings.folder / JOBS).mkdir(exist_ok=True)
        yield Bench(
            settings=settings,
            records=Records(home),
            wire=wire,
            say=say,
            printer=printer,
            settle_seconds=settle_seconds,
        )


@contextmanager
def open_printer(access: PrinterAccess) -> Iterator[Printer]:
    """Yield the adapter of a printer."""
    printer: OctoPrintPrinter | MoonrakerPrinter | PrusaLinkPrinter
    if access.kind == "octoprint":
        printer = OctoPrintPrinter(url=access.url, key=access.key)
    elif access.kind == "moonraker":
        printer = MoonrakerPrinter(url=access.url, key=access.key)
    else:
        printer = PrusaLinkPrinter(
            url=access.url, key=access.key, user=access.user, password=access.password, storage=access.storage
        )
    with printer:
        yield printer


def records_in(folder: Path) -> Records:
    """Return what a connector knows, for a look from outside; it may be running."""
    return Records(folder / HOME)
