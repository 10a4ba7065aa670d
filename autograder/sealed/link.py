"""Asking the student's side, and remembering the answers.

A `Link` answers a question from the recorded calls where it can, else over the channel; without a
channel a question that was never asked raises `NeedsExecution`.
"""

from __future__ import annotations

import hashlib
from collections import Counter

import msgspec

from autograder.sealed import wire
from autograder.sealed.evidence import CallRecord

GRACE_SECONDS = 5.0


class NeedsExecution(BaseException):
    """Evidence cannot answer this question: the submission must be executed again.

    A BaseException, so that no test cell's ``except Exception`` hides it.
    """


class StudentGone(BaseException):
    """The student's kernel no longer answers; the sentence says since when.

    A BaseException, so that a test cannot take it for a mistake of the student's function.
    """


class Link:
    """The grader's end of the conversation about one run.

    Args:
        channel: the live channel, or None when only evidence is at hand.
        calls: calls that were answered before, in this run.
        arrays: arrays of the evidence and of those calls; new ones are added.
        call_seconds: the time limit of one call.
        gone: why the kernel cannot be asked any more, where it cannot.
    """

    def __init__(
        self,
        channel: wire.Channel | None,
        calls: list[CallRecord],
        arrays: wire.Arrays,
        call_seconds: float,
        gone: str = "",
    ) -> None:
        self.arrays = arrays
        self.new_calls: list[CallRecord] = []
        self.new_arrays: wire.Arrays = {}
        self._channel = channel
        self._known = {(c.cell, c.question, c.occurrence): c.answer for c in calls}
        self._seconds = call_seconds
        self._cell = ""
        self._seed: int | None = None
        self._count: Counter[str] = Counter()
        self._gone = gone
        self._pending_seed = False
        self.last_question = ""

    def begin_cell(self, cell: str) -> None:
        """Start the questions of one test cell: every cell counts its own."""
        self._cell, self._seed = cell, None
        self._count.clear()

    def seed(self, number: int) -> None:
        """Seed the student's side before the next call."""
        self._seed = number
        self._pending_seed = True

    def call(
        self,
        origin: str,
        handle: int,
        method: str | None,
        args: list[wire.Value],
        kwargs: dict[str, wire.Value],
        origins: dict[int, str],
        sent: wire.Arrays,
    ) -> wire.Answer:
        """Call the student's object ``handle``; ``origin`` names it independently of its number.

        Raises:
            NeedsExecution: when there is no channel and the answer is not known.
            StudentGone: when the kernel died or hangs.
        """
        question = _question(origin, method, args, kwargs, origins, self._seed)
        self._count[question] += 1
        key = (self._cell, question, self._count[question])
        self.last_question = f"{question[:16]}.{key[2]}"
        if key in self._known:
            return self._known[key]
        if self._gone:
            raise StudentGone(self._gone)
        if self._channel is None:
            raise NeedsExecution(f"{origin} was never asked this in {self._cell}")
        answer, arrays = self._ask(wire.Call(handle, method, args, kwargs, self._seconds), sent)
        if not isinstance(answer, wire.Answer):
            raise self._lost("its kernel answered something else")
        self.arrays.update(arrays)
        self.new_arrays.update(arrays)
        self._known[key] = answer
        self.new_calls.append(
            CallRecord(cell=key[0], question=question, occurrence=key[2], answer=answer)
        )
        return answer

    def _ask(
        self, message: wire.FromGrader, arrays: wire.Arrays
    ) -> tuple[wire.FromStudent, wire.Arrays]:
        assert self._channel is not None
        seconds = self._seconds + GRACE_SECONDS
        try:
            if self._pending_seed and self._seed is not None:
                self._pending_seed = False
                self._channel.send(wire.encode(wire.Seed(self._seed), {}), seconds)
                wire.decode_from_student(self._channel.receive(seconds))
            self._channel.send(wire.encode(message, arrays), seconds)
            return wire.decode_from_student(self._channel.receive(seconds))
        except wire.WireTimeout:
            raise self._lost(
                f"a function of the notebook did not return within {self._seconds:g} s and could "
                "not be stopped"
            ) from None
        except wire.WireClosed:
            raise self._lost(
                "its kernel ended while a function of the notebook was called"
            ) from None
        except wire.WireProblem as problem:
            raise self._lost(f"its kernel broke the rules of the conversation: {problem}") from None

    def _lost(self, why: str) -> StudentGone:
        self._gone = why
        return StudentGone(why)


def _question(
    origin: str,
    method: str | None,
    args: list[wire.Value],
    kwargs: dict[str, wire.Value],
    origins: dict[int, str],
    seed: int | None,
) -> str:
    """Return the digest of a question, in which handles are named and not numbered."""

    def named(value: wire.Value) -> object:
        if isinstance(value, wire.Handle):
            return ("handle", origins.get(value.handle, "?"), value.weights)
        if isinstance(value, wire.Seq):
            return ("seq", value.kind, [named(item) for item in value.items])
        if isinstance(value, wire.Map):
            return ("map", [(named(k), named(v)) for k, v in value.items])
        return value

    words = (origin, method, [named(a) for a in args], {k: named(v) for k, v in kwargs.items()})
    encoded = msgspec.msgpack.encode((words, seed), order="deterministic")
    return hashlib.blake2b(encoded, digest_size=16).hexdigest()
