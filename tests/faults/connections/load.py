"""Clients in processes of their own, and what they saw."""

import array
import multiprocessing
import time

import clients

# What a client says that has nothing left to ask.
DONE = object()
FORK = multiprocessing.get_context("fork")


class Worker:
    """A process that asks at a steady rate until it is told to end. What it saw is what `finish` returns."""

    def __init__(self, ask, rate):
        self.stop, (self.mine, theirs) = FORK.Event(), FORK.Pipe()
        self.process = FORK.Process(target=self.work, args=(ask, rate, theirs), daemon=True)
        self.process.start()

    def work(self, ask, rate, pipe):
        times, faults, due = array.array("d"), {}, time.monotonic()
        while not self.stop.is_set():
            due += 1 / rate
            if (ahead := due - time.monotonic()) > 0:
                time.sleep(ahead)
            elif ahead < -0.5:
                due = time.monotonic()
            begun = time.monotonic()
            if (fault := ask()) is DONE:
                break
            times.append(time.monotonic() - begun)
            if fault:
                faults[fault] = faults.get(fault, 0) + 1
        pipe.send((times, faults))

    def finish(self, wait):
        if not self.mine.poll(wait):
            self.process.kill()
            return array.array("d"), {"a client hangs": 1}
        seen = self.mine.recv()
        self.process.join()
        return seen


class Seen:
    """What all workers saw together: until now, or within so many seconds until they have nothing left to ask."""

    def __init__(self, workers, wait=None):
        for worker in workers if wait is None else ():
            worker.stop.set()
        self.times, self.faults = array.array("d"), {}
        for worker in workers:
            times, faults = worker.finish(wait or 90)
            self.times.extend(times)
            for fault, count in faults.items():
                self.faults[fault] = self.faults.get(fault, 0) + count
        self.times = sorted(self.times)

    def count(self):
        return len(self.times)

    def faulty(self, word=""):
        return sum(count for fault, count in self.faults.items() if word in fault)

    def told(self):
        """The faults in words, the most frequent first."""
        return "; ".join(f"{count} x {fault}" for fault, count in sorted(self.faults.items(), key=lambda one: -one[1])[:5])

    def quantile(self, part):
        """Milliseconds."""
        return self.times[min(int(len(self.times) * part), len(self.times) - 1)] * 1000 if self.times else 0

    def longest(self):
        return self.quantile(1)


class Kept:
    """Asks on one connection as long as it lasts, or each time on a new one."""

    def __init__(self, kind, port, source=None):
        secure = "TLS" in kind
        make = clients.Http2 if "2" in kind.split(",")[0] else clients.Http1
        self.open = lambda: make(port, source, secure)
        self.new = "new" in kind
        self.client = None

    def ask(self, *request):
        """The answer; what the other side says that it has not taken is sent once more, as RFC 9113 allows."""
        for again in (False, True):
            if self.client is None or self.client.over or self.new:
                self.drop()
                self.client = self.open()
            try:
                return self.client.ask(*request)
            except clients.NotTaken:
                self.drop()
                if again:
                    raise
            except clients.Lost:
                self.drop()
                raise

    def drop(self):
        if self.client is not None:
            self.client.close()
            self.client = None
