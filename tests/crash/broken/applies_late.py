"""Read models that get a submission only after the inclusion that followed it."""

from backend.eventstore.projections import ProjectionSet


def apply():
    in_order = ProjectionSet.apply
    held = {}

    def out_of_order(self, connection, recorded):
        if recorded.event.type == "settlement.submitted":
            held[recorded.stream_id] = recorded
            return
        in_order(self, connection, recorded)
        if recorded.event.type == "settlement.included" and recorded.stream_id in held:
            in_order(self, connection, held.pop(recorded.stream_id))

    ProjectionSet.apply = out_of_order
