"""Jobs without a store: the delay before a failing one is retried."""

from shared.runtime.backoff import compute_backoff


def test_a_job_that_fails_again_and_again_is_retried_later_each_time_up_to_a_bound() -> None:
    delays = [
        [compute_backoff(attempts, 1, 600) for _ in range(200)] for attempts in (0, 3, 9, 10**6)
    ]

    for each, most in zip(delays, (1, 8, 512, 600), strict=True):
        assert most / 2 <= min(each) < max(each) <= most
