import type { ReactNode } from "react";
import { Field } from "../../components/Field.tsx";

interface ChooserProps {
  label: string;
  value: string;
  options: readonly (readonly [string, string])[];
  error?: string | undefined;
  disabled?: boolean;
  onChange: (value: string) => void;
}

/** A labelled select. */
export function Chooser({ label, value, options, error, disabled, onChange }: ChooserProps) {
  return (
    <Field label={label} error={error}>
      {(ties) => (
        <select
          {...ties}
          className="field"
          value={value}
          disabled={disabled}
          onChange={(event) => onChange(event.target.value)}
        >
          {options.map(([id, text]) => (
            <option key={id} value={id}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface DecimalProps {
  label: string;
  value: string;
  hint?: ReactNode;
  error?: string | null | undefined;
  onChange: (value: string) => void;
}

/** A labelled input for a decimal. It stays text: nothing typed is changed or rounded. */
export function DecimalInput({ label, value, hint, error, onChange }: DecimalProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(ties) => (
        <input
          {...ties}
          className="field text-right tabular-nums"
          inputMode="decimal"
          autoComplete="off"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
