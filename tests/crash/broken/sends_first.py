"""A saga that hands the transaction to the node before the event that names it is committed."""

from backend.settlement.worker import SettlementWorker


def apply():
    submission = SettlementWorker._submission

    def sends_first(self, uow, state, submit):
        step = submission(self, uow, state, submit)
        if step.broadcast is not None:
            self._chain.broadcast(step.broadcast)
        return step

    SettlementWorker._submission = sends_first
