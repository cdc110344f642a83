import { StateWord } from "../../components/StateWord.tsx";
import { type Part, type ProofFiles, partsOf } from "../../proof/files.ts";
import { fileName, roleOf } from "./bundleFiles.ts";

interface Props {
  given: ProofFiles;
  fromServer: readonly Part[];
  onRemove: (part: Part) => void;
}

/** Every input and where it came from: verification is worth what its inputs are worth. */
export function Sources({ given, fromServer, onRemove }: Props) {
  return (
    <ul className="divide-y divide-line">
      {partsOf(given).map((part) => (
        <li key={part} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-1.5">
          <code className="min-w-0 flex-1 text-xs sm:w-32 sm:flex-none">{fileName(part)}</code>
          <span className="order-last min-w-0 basis-full text-muted sm:order-none sm:flex-1 sm:basis-0">
            {roleOf(part)}
          </span>
          {given[part] ? (
            <>
              <StateWord tone="accent">given</StateWord>
              <button
                type="button"
                className="min-h-6 px-1 text-xs text-muted hover:text-ink"
                aria-label={`Remove ${fileName(part)}`}
                onClick={() => onRemove(part)}
              >
                Remove
              </button>
            </>
          ) : (
            <StateWord tone={fromServer.includes(part) ? "warn" : "neutral"}>
              {fromServer.includes(part) ? "from this server" : "none"}
            </StateWord>
          )}
        </li>
      ))}
    </ul>
  );
}
