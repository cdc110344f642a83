import { type FormEvent, useState } from "react";
import { useChangeBreaker } from "../../api/queries/compliance.ts";
import { Button } from "../../components/Button.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { ErrorState } from "../../components/ErrorState.tsx";
import { Field } from "../../components/Field.tsx";
import { toast } from "../../components/Toasts.tsx";

export interface BreakerChange {
  scope: string;
  act: "trip" | "reset";
  /** The scope for people. */
  name: string;
}

interface Props {
  change: BreakerChange | null;
  onClose: () => void;
}

/** Asks for the reason, says what will follow, and does it. */
export function BreakerDialog({ change, onClose }: Props) {
  const trips = change?.act === "trip";
  const title = trips ? `Stop trading: ${change?.name}` : `Let trading go on: ${change?.name}`;
  return (
    <Dialog open={change !== null} title={title} onClose={onClose}>
      {change === null ? null : <Form change={change} onClose={onClose} />}
    </Dialog>
  );
}

function Form({ change, onClose }: { change: BreakerChange; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const [missing, setMissing] = useState(false);
  const act = useChangeBreaker();
  const trips = change.act === "trip";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (reason.trim() === "") return setMissing(true);
    act.mutate(
      { scope: change.scope, act: change.act, reason: reason.trim() },
      {
        onSuccess: () => {
          if (trips) toast(`Trading is stopped: ${change.name}.`);
          onClose();
        },
      },
    );
  };
  return (
    <form onSubmit={submit} className="space-y-3">
      <p className="text-muted">
        {trips
          ? "New orders are refused and no settlement is submitted until it is reset. The reason is recorded in the log and shown to everyone."
          : "Orders are taken and settlements go on. The reason is recorded in the log."}
      </p>
      <Field label="Reason" error={missing ? "Say why; it is recorded." : null}>
        {(ties) => (
          <input
            {...ties}
            className="field"
            maxLength={500}
            value={reason}
            onChange={(event) => {
              setReason(event.target.value);
              setMissing(false);
            }}
          />
        )}
      </Field>
      {act.isError ? <ErrorState error={act.error} /> : null}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Back</Button>
        <Button type="submit" kind={trips ? "danger" : "primary"} busy={act.isPending}>
          {trips ? "Stop trading" : "Reset"}
        </Button>
      </div>
    </form>
  );
}
