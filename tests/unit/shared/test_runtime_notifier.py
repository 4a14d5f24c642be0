"""A notifier wakes those who follow a key."""

from shared.runtime.notifier import Notifier


def test_a_subscriber_of_several_keys_is_woken_by_each_until_it_leaves() -> None:
    notifier = Notifier()

    with notifier.subscribe("d", "e") as news:
        for key, is_woken in (("d", True), ("e", True), ("f", False)):
            news.clear()
            notifier.notify(key)
            assert news.is_set() is is_woken
        assert notifier.subscriptions == 2

    assert notifier.subscriptions == 0
