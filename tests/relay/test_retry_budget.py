"""How much may be tried again."""

from __future__ import annotations

from fiberlb.model.pool import Retries
from fiberlb.relay.retry_budget import FLOOR, WINDOW, RetryBudget
from tests.support.relay_world import RelayTestCase, answer, ask, refusal


class BudgetTests(RelayTestCase):
    """A share of the requests."""

    def taken(self, budget: RetryBudget, now: float, requests: int) -> int:
        """How many retries are granted at once."""
        count = 0
        while budget.take(now, requests):
            count += 1
            self.assertLess(count, 100000)
        return count

    def test_quiet(self) -> None:
        """A pool with hardly a request has the floor's worth, and gets it back."""
        budget = RetryBudget(20)
        self.assertEqual(self.taken(budget, 1000.0, 5), FLOOR * WINDOW)
        self.assertEqual(budget.refused, 1)
        self.assertEqual(self.taken(budget, 1001.0, 5), int(FLOOR * 0.95))

    def test_share(self) -> None:
        """Over time retries are that share of the requests and the floor, whatever fails."""
        budget = RetryBudget(20)
        granted = requests = 0
        for second in range(60):
            requests += 1000
            granted += self.taken(budget, 1000.0 + second, requests)
        self.assertLess(granted, (0.2 * 1000 + FLOOR) * (60 + WINDOW))
        self.assertGreater(granted, (0.2 * 1000 + FLOOR) * 50)

    def test_burst(self) -> None:
        """After an hour of steady traffic a window's worth is there at once, not an hour's."""
        budget = RetryBudget(20)
        budget.take(1000.0, 0)
        self.assertEqual(self.taken(budget, 4600.0, 3600 * 500), (0.2 * 500 + FLOOR) * WINDOW)

    def test_given_back(self) -> None:
        """What has helped costs nothing."""
        budget = RetryBudget(0)
        for _ in range(1000):
            self.assertTrue(budget.take(1000.0, 5))
            self.assertEqual(budget.helped(1), 0)

    def test_fewer(self) -> None:
        """Members that have gone take their requests with them; that costs no budget."""
        budget = RetryBudget(20)
        budget.take(1000.0, 5000)
        self.assertTrue(budget.take(1001.0, 10))


class SpentTests(RelayTestCase):
    """Requests when there is no budget left."""

    def test_helped(self) -> None:
        """A retry that is answered is there for the next request again."""
        world = self.world(2, pool={"retries": Retries(budget_percent=0)})
        budget = world.plane._table.pools["pool"].budget
        before = budget._left
        client = world.client(ask())
        (first,) = (m for m in world.members if m.links)
        first.link.reset()
        (second,) = (m for m in world.members if m is not first)
        self.assertEqual(budget._left, before - 1)
        second.link.send(answer())
        self.assertEqual((client.news(), budget._left), (answer(), before))

    def test_spent(self) -> None:
        """The failure is answered; what never reached a member is tried elsewhere all the same."""
        world = self.world(2, pool={"retries": Retries(budget_percent=0)})
        pool = world.plane._table.pools["pool"]
        while pool.may_retry():
            pass
        client = world.client(ask())
        (first,) = (m for m in world.members if m.links)
        first.link.reset()
        self.assertEqual(client.news(), refusal("member_reset", closes=False))
        self.assertEqual(sum(len(member.links) for member in world.members), 1)
        for member in world.members:
            member.does = 111 if member is not first else "accept"
        other = world.client(ask())
        for link in first.open:
            link.send(answer())
        self.assertEqual(other.news(), answer())
