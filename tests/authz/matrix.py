"""Results of `make authz`: answers compared to what is expected, and the surprises among them."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.authz.callers import CallerKind
from tests.authz.expectations import Endpoint, Expectation, Verdict


@dataclass(frozen=True, slots=True)
class Reply:
    """Status of an answer, and the code of its problem."""

    status: int
    code: str = ""
    is_replay: bool = False
    """Whether the answer is that of an earlier request with the same idempotency key."""

    def __str__(self) -> str:
        """Write the status with the code."""
        return f"{self.status} {self.code}".rstrip()


@dataclass(slots=True)
class Results:
    """Checks that were made, by verdict, and the surprises."""

    counts: Counter[Verdict] = field(default_factory=Counter)
    replays: int = 0
    surprises: list[str] = field(default_factory=list)

    def judge(self, row: Expectation, kind: CallerKind, reply: Reply) -> None:
        """Compare an answer to what its row expects."""
        verdict = row.verdicts[kind]
        self.counts[verdict] += 1
        self.replays += reply.is_replay
        if not verdict.allows(reply.status):
            self.surprises.append(f"{row}, {kind}: {reply} instead of {verdict}")

    def note_changes(self, row: Expectation, changed: Collection[str]) -> None:
        """Note what refused requests have changed in the databases: nothing, as expected."""
        if changed:
            self.surprises.append(f"{row}: refused, and yet changed: {', '.join(sorted(changed))}")

    def describe(self) -> str:
        """Describe the results in one line, allowed successes beside refusals."""
        done, let_in = self.counts[Verdict.YES], self.counts[Verdict.LET_IN]
        unknown, forbidden = self.counts[Verdict.UNKNOWN], self.counts[Verdict.FORBIDDEN]
        hidden = self.counts[Verdict.HIDDEN]
        return (
            f"{self.counts.total()} checks, {len(self.surprises)} surprises: {done} allowed and "
            f"done, {let_in} only let in, {unknown} refused by 401, {forbidden} by 403, "
            f"{hidden} by 404"
        )


def find_gaps(endpoints: Collection[Endpoint], rows: Sequence[Expectation]) -> Iterator[str]:
    """Find the endpoints without an expectation, and the expectations without an endpoint."""
    expected = {row.endpoint for row in rows}
    for endpoint in sorted(set(endpoints) - expected):
        yield f"{endpoint}: no row in expected.csv"
    for endpoint in sorted(expected - set(endpoints)):
        yield f"{endpoint}: a row in expected.csv, and no such endpoint"


def find_unprepared(rows: Iterable[Expectation], prepared: Collection[object]) -> Iterator[str]:
    """Find the rows for which no request is written."""
    for row in rows:
        if (row.endpoint, row.role) not in prepared:
            yield f"{row}: no request in tests/authz/requests"
