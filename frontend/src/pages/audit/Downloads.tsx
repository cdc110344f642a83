import { Button } from "../../components/Button.tsx";
import { utf8 } from "../../proof/bytes.ts";
import { withPrefix } from "../../proof/encoding.ts";
import { type ProofFiles, partsOf } from "../../proof/files.ts";
import type { Trust } from "../../proof/trust.ts";
import { endingOf } from "../verify/bundleFiles.ts";

interface Props {
  files: ProofFiles;
  trust: Trust | null;
  /** Of the bundle, without an ending. */
  name: string;
}

/** The bundle's files for `tally verify`, under the names it looks for. */
export function Downloads({ files, trust, name }: Props) {
  const whole: ProofFiles = { ...files, trust: files.trust ?? (trust ? trustText(trust) : null) };
  const offered = partsOf(whole).map((part) => {
    const ending = endingOf(part, whole);
    return [ending, ending.startsWith(".") ? name + ending : ending, whole[part]] as const;
  });
  return (
    <div>
      <h3 className="mb-1 font-medium">Take it away</h3>
      <div className="flex flex-wrap gap-2">
        {offered.map(([ending, fileName, data]) =>
          data ? (
            <Button key={ending} onClick={() => save(fileName, data)}>
              {ending}
            </Button>
          ) : null,
        )}
      </div>
      <p className="mt-1 text-xs text-muted">
        <code>trust</code> names chain and registry; add a line{" "}
        <code className="break-all">block NUMBER 0xHASH</code> from a node that you trust.
      </p>
    </div>
  );
}

function trustText(trust: Trust): Uint8Array {
  return utf8(
    `tallystick trust v1\nchain ${trust.chainId}\nregistry ${withPrefix(trust.registry)}\n`,
  );
}

function save(name: string, data: Uint8Array): void {
  const blob = new Blob([data as Uint8Array<ArrayBuffer>], { type: "application/octet-stream" });
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // After the click has been dealt with; the browser holds the data until then.
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
