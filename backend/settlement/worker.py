"""Drives settlements to their end: leased, fenced, one venue transaction per step.

A step reads the chain first, outside any database transaction; then records what follows in
one transaction that holds the lease row; and only after its commit hands bytes to the node. A
crash between the two loses nothing: the signed transaction is in the log, and the next step
looks for its effect and sends the same bytes again.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import msgspec

from backend.eventstore.aggregate import Loaded
from backend.eventstore.errors import ConcurrencyConflict, LeaseLost
from backend.eventstore.scope import Scope
from backend.eventstore.store import Caller, EventStore, UnitOfWork
from backend.kernel.errors import DomainError, InvariantBroken
from backend.kernel.events import Event
from backend.kernel.faults import FAULTS
from backend.settlement import process, store
from backend.settlement.domain.saga import Settlement
from backend.settlement.events import SettlementSubmitted, TransactionReplaced
from backend.settlement.iso20022 import Reason
from backend.settlement.ports import Breakers, SettlementChain
from backend.settlement.steps import ChainSteps, Step, Submit, WorkerPolicy
from backend.settlement.store import Claim


class SettlementWorker:
    """One worker; any number may run. ``jitter`` gives a number in [0, 1) for the backoff."""

    def __init__(
        self,
        events: EventStore,
        chain: SettlementChain,
        breakers: Breakers,
        owner: str,
        jitter: Callable[[], float],
        policy: WorkerPolicy | None = None,
    ) -> None:
        self._events = events
        self._chain = chain
        self._breakers = breakers
        self._caller = Caller(f"worker:{owner}")
        self._owner = owner
        self._jitter = jitter
        self._policy = policy or WorkerPolicy()
        self._steps = ChainSteps(chain, events.clock, self._policy)

    def run_once(self) -> bool:
        """Take the settlement due longest one step on; False when none is due.

        An expected failure (node away, lost race) puts the settlement back with a backoff and
        the error beside it; nothing is half done.
        """
        with self._transaction() as uow:
            held = store.claim(uow.connection, self._owner, self._policy.lease)
        if held is None:
            return False
        FAULTS.reach("settlement.claimed")
        try:
            self._advance(held)
        except LeaseLost:
            pass  # whoever took over goes on from the same events
        except ConcurrencyConflict:
            with self._transaction() as uow:
                store.release(uow.connection, held, 0.0)
        except DomainError as error:
            self._back_off(held, error)
        return True

    def drain(self, limit: int = 1000) -> int:
        """Step until nothing is due, at most ``limit`` times; gives the number of steps."""
        steps = 0
        while steps < limit and self.run_once():
            steps += 1
        return steps

    def _advance(self, held: Claim) -> None:
        with self._transaction() as uow:
            seen = process.load(uow, held.trade_id)
            state, version = seen.state, seen.version
        if state is None:
            raise InvariantBroken("Work without a settlement.", trade_id=held.trade_id)
        step = self._steps.next(state, held.waited)
        FAULTS.reach("settlement.looked")
        with self._transaction() as uow:
            store.hold(uow.connection, held)
            loaded = process.load(uow, held.trade_id)
            if loaded.version != version:  # a consent came in while we looked: look again at once
                step = msgspec.structs.replace(step, delay=0.0)
            if step.submit is not None:
                step = self._submission(uow, state, step.submit)
            self._record(uow, held, loaded, step)
        if step.broadcast is not None:
            self._chain.broadcast(step.broadcast)
            FAULTS.reach("settlement.broadcast")

    def _submission(self, uow: UnitOfWork, state: Settlement, submit: Submit) -> Step:
        """Take the nonce and sign, unless a breaker is open. The lease row is held."""
        if self._breakers.is_halted(uow, state.deal.security_id):
            return self._steps.pending(state, Reason.HALTED)
        chain_id, sender = self._chain.domain.chain_id, self._chain.sender
        nonce = store.take_nonce(uow.connection, chain_id, sender, submit.spent_nonces)
        sent = self._chain.sign(submit.signed, nonce, submit.fees)
        event = SettlementSubmitted(
            trade_id=state.trade_id,
            sender=sent.sender,
            nonce=sent.nonce,
            transaction_hash=sent.hash,
            raw_transaction=sent.raw,
            gas_limit=sent.fees.gas_limit,
            max_fee_per_gas=str(sent.fees.max_fee_per_gas),
            max_priority_fee_per_gas=str(sent.fees.max_priority_fee_per_gas),
            searched_from=submit.searched_from,
            submitted_at=uow.now,
        )
        return Step(event=event, broadcast=sent.raw)

    def _record(self, uow: UnitOfWork, held: Claim, loaded: Loaded[Settlement], step: Step) -> None:
        """Append the step's event; give the lease back, or take ended work off the list."""
        if step.event is not None:
            process.record(uow, loaded, step.event)
        if _is_new_to_the_node(step.event):
            store.mark_sent(uow.connection, held.trade_id)
        if step.done:
            store.finish(uow.connection, held.trade_id)
        else:
            store.release(uow.connection, held, step.delay)

    def _back_off(self, held: Claim, error: DomainError) -> None:
        """Exponential with full jitter, so that workers do not return together."""
        ceiling = min(self._policy.backoff_cap, self._policy.backoff * 2 ** min(held.attempts, 20))
        text = f"{error.code.value}: {error.message}"[:500]
        with self._transaction() as uow:
            delay = ceiling * self._jitter()
            store.release(uow.connection, held, delay, held.attempts + 1, text)

    def _transaction(self) -> AbstractContextManager[UnitOfWork]:
        return self._events.transaction(Scope.venue(), self._caller)


def _is_new_to_the_node(event: Event | None) -> bool:
    return isinstance(event, (SettlementSubmitted, TransactionReplaced))
