"""The two kinds of streams of settlement, for the event store."""

from backend.eventstore.aggregate import Aggregate
from backend.settlement.domain import instruction, saga

SETTLEMENT: Aggregate[saga.Settlement] = Aggregate("settlement", saga.evolve)
INSTRUCTION: Aggregate[instruction.Instruction] = Aggregate("instruction", instruction.evolve)
