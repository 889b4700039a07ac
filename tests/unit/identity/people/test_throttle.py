from datetime import timedelta

from fabroute.identity.service.people.throttle import PER_ACCOUNT, PER_ADDRESS, PER_DEVICE, buckets_of

ADA = "ada@example.com"


def test_the_limits_are_these() -> None:
    minutes = timedelta(minutes=1)

    assert (PER_ADDRESS.attempts, PER_ADDRESS.window) == (30, 10 * minutes)
    assert (PER_ACCOUNT.attempts, PER_ACCOUNT.window) == (10, 15 * minutes)
    assert (PER_DEVICE.attempts, PER_DEVICE.window) == (10, 15 * minutes)


def test_an_unknown_browser_counts_for_its_address_and_for_the_account() -> None:
    here = buckets_of(email=ADA, address="192.0.2.1", device=None)
    elsewhere = buckets_of(email=ADA, address="192.0.2.2", device=None)
    other = buckets_of(email="eve@example.com", address="192.0.2.1", device=None)
    names = [{bucket.name for bucket in buckets} for buckets in (here, elsewhere, other)]

    assert {bucket.limit for bucket in here} == {PER_ADDRESS, PER_ACCOUNT}
    assert [len(names[0] & names[1]), len(names[0] & names[2]), len(names[1] & names[2])] == [1, 1, 0]
    assert [bucket.name for bucket in here] == sorted(names[0])


def test_a_known_browser_counts_for_itself_alone() -> None:
    strange = {bucket.name for bucket in buckets_of(email=ADA, address="192.0.2.1", device=None)}
    (known,) = buckets_of(email=ADA, address="192.0.2.1", device="7f")
    (moved,) = buckets_of(email=ADA, address="192.0.2.9", device="7f")
    (other,) = buckets_of(email="eve@example.com", address="192.0.2.1", device="7f")

    assert known.limit == PER_DEVICE
    assert known == moved
    assert len({known.name, other.name, *strange}) == 4


def test_whose_a_bucket_is_can_not_be_read() -> None:
    for bucket in buckets_of(email=ADA, address="192.0.2.1", device=None):
        assert len(bucket.name) == 64
        assert set(bucket.name) <= set("0123456789abcdef")
