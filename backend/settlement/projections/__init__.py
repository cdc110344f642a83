"""Instructions, settlements and their transactions as rows."""

from backend.settlement.projections.instructions import INSTRUCTIONS
from backend.settlement.projections.settlements import SETTLEMENTS

PROJECTIONS = (INSTRUCTIONS, SETTLEMENTS)
