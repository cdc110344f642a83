import { type DragEvent, useId, useState } from "react";
import { Button } from "../../components/Button.tsx";
import { classes } from "../../components/classes.ts";
import type { ProofFiles } from "../../proof/files.ts";
import { readFiles, readPasted } from "./bundleFiles.ts";

interface Props {
  onFiles: (files: ProofFiles) => void;
  onError: (error: unknown) => void;
}

/** Drop, choose or paste the files of a bundle. */
export function Intake({ onFiles, onError }: Props) {
  const [over, setOver] = useState(false);
  const id = useId();
  const take = (files: Iterable<File>) => void readFiles([...files]).then(onFiles, onError);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files);
  };
  return (
    <div className="space-y-3">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a place to drop on; the button below does the same */}
      <div
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
        className={classes(
          "rounded-md border-2 border-dashed px-4 py-6 text-center",
          over ? "border-accent bg-accent-soft" : "border-line-strong",
        )}
      >
        <p className="mb-2">
          Drop the files of one proof here: <code>.event</code>, <code>.tlog-proof</code> and{" "}
          <code>.anchor</code>, or those of a batch, range or stream, with <code>policy.txt</code>,{" "}
          <code>keys</code> and <code>trust</code> if you have them
        </p>
        <input
          id={id}
          type="file"
          multiple
          className="sr-only peer"
          onChange={(event) => {
            take(event.target.files ?? []);
            event.target.value = "";
          }}
        />
        <label
          htmlFor={id}
          className="inline-flex min-h-9 cursor-pointer items-center rounded-md border border-line-strong px-3 py-1 font-medium hover:bg-raised peer-focus-visible:outline-2 peer-focus-visible:outline-accent"
        >
          Choose files
        </label>
      </div>
      <Paste onFiles={onFiles} onError={onError} />
    </div>
  );
}

function Paste({ onFiles, onError }: Props) {
  const [text, setText] = useState("");
  const read = () => {
    try {
      onFiles(readPasted(text));
      setText("");
    } catch (error) {
      onError(error);
    }
  };
  return (
    <details>
      <summary className="min-h-6">Paste instead</summary>
      <label className="mt-2 block">
        <span className="mb-1 block text-xs text-muted">
          The content of one of these files, or the JSON that the API answers for an event's proof
        </span>
        <textarea
          rows={4}
          className="field font-mono text-xs"
          spellCheck={false}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      <Button
        className="mt-2"
        onClick={read}
        blocked={text === "" ? "Paste something first" : null}
      >
        Read it
      </Button>
    </details>
  );
}
