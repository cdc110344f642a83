import { type ProofFiles, partsOf } from "../../proof/files.ts";
import { fileName } from "./bundleFiles.ts";

const SHOWN = 4_000;

/** The files as text, for reading by eye. */
export function RawFiles({ files }: { files: ProofFiles }) {
  return (
    <details>
      <summary className="min-h-6">The files themselves</summary>
      {partsOf(files).map((part) => {
        const data = files[part];
        return data ? (
          <figure key={part} className="mt-2 min-w-0">
            <figcaption className="text-xs text-muted">
              {fileName(part)}, {data.length.toLocaleString("en-US")} bytes
            </figcaption>
            <pre className="rounded bg-raised p-2 text-xs break-all whitespace-pre-wrap">
              {new TextDecoder().decode(data.subarray(0, SHOWN))}
              {data.length > SHOWN ? " … the rest is in the file" : ""}
            </pre>
          </figure>
        ) : null;
      })}
    </details>
  );
}
