// @vitest-environment node
import { describe, expect, it } from "vitest";
import { encodeBase64 } from "../../proof/encoding.ts";
import type { ProofFiles } from "../../proof/files.ts";
import { BASE_PARTS, baseOf, readBases } from "../../proof/vectors.testing.ts";
import {
  CAPS,
  endingOf,
  IntakeError,
  partByContent,
  partByName,
  readFiles,
  readPasted,
} from "./bundleFiles.ts";
import { combine, missingPart } from "./given.ts";

const base = baseOf("platform");
const text = (part: keyof typeof base) => new TextDecoder().decode(base[part]);
const NAMES = {
  event: "000075-x.event",
  proof: "000075-x.tlog-proof",
  anchor: "000075-x.anchor",
  policy: "policy.txt",
  keys: "keys",
  trust: "trust",
};
const file = (name: string, data: Uint8Array | string = "x") => new File([data as BlobPart], name);

describe("files", () => {
  it("are told apart by their names", async () => {
    const read = await readFiles(BASE_PARTS.map((part) => file(NAMES[part], base[part])));
    expect(read).toEqual(base);
    expect(partByName("keys.txt")).toBeNull();
  });

  it.each<[string, File[], string]>([
    ["of another kind", [file("photo.png")], "photo.png is no part of a proof"],
    [
      "of two bundles",
      [file("a.event"), file("b.event")],
      "a.event and b.event are both NAME.event",
    ],
    [
      "too large",
      [file("a.event", "x".repeat(CAPS.event + 1))],
      "65,536 bytes; NAME.event has at most 65,535",
    ],
    ["too many", Array.from({ length: 41 }, (_, at) => file(`${at}.event`)), "41 files"],
  ])("are refused when %s", async (_name, files, reason) => {
    await expect(readFiles(files)).rejects.toThrow(IntakeError);
    await expect(readFiles(files)).rejects.toThrow(reason);
  });

  it("are read when exactly as large as allowed", async () => {
    const read = await readFiles([file("a.event", "x".repeat(CAPS.event))]);
    expect(read.event).toHaveLength(CAPS.event);
  });
});

describe("pasted text", () => {
  it.each(BASE_PARTS.map((part) => [part]))("%s is known by how it begins", (part) => {
    expect(partByContent(text(part))).toBe(part);
    expect(readPasted(text(part))).toEqual({ [part]: base[part] });
  });

  it("loses the newline that a terminal adds to a one-line file", () => {
    expect(readPasted(`${text("event")}\n`)).toEqual({ event: base.event });
    expect(readPasted(`${text("anchor")}\r\n`)).toEqual({ anchor: base.anchor });
  });

  it("may be the API's answer", () => {
    const document = {
      event_id: "x",
      event: encodeBase64(base.event),
      tlog_proof: encodeBase64(base.proof),
      anchor: null,
    };
    const { event, proof } = base;
    expect(readPasted(JSON.stringify(document))).toEqual({ event, proof, anchor: null });
    const spoilt = JSON.stringify({ ...document, event: "AB==" });
    expect(() => readPasted(spoilt)).toThrow("The document's event is not canonical base64.");
  });

  it("is looked at once, however many empty lines it begins with", () => {
    const lines = "\n".repeat(3_999_990);
    expect(() => readPasted(`${lines}nothing`)).toThrow("The text is no part of a proof");
    expect(() => readPasted(" \r\n".repeat(1_000_000))).toThrow("The text is no part of a proof");
    expect(partByContent(`\n \t\r\n# ours\n\nquorum none\n`)).toBe("policy");
  });

  it("is refused by its length before it is looked at", () => {
    expect(() => readPasted(`{"tlog_proof"${" ".repeat(4_000_000)}`)).toThrow(
      "longer than 4,000,000 characters",
    );
  });

  it("is refused when it is nothing of the kind", () => {
    expect(() => readPasted("hello")).toThrow("The text is no part of a proof");
    expect(() => readPasted('{"tlog_proof": ')).toThrow(IntakeError);
    expect(() => readPasted(`{"event":{${"x".repeat(CAPS.event)}`)).toThrow(
      "longer than NAME.event",
    );
  });
});

describe("bundles of many entries", () => {
  const bases = readBases();
  const encoded = (data: Uint8Array | null | undefined) => encodeBase64(data as Uint8Array);

  it("are told apart by their names, erasures by their numbers", () => {
    const names = {
      "x.events": "events",
      "x.tlog-batch": "proof",
      "x.tlog-range": "proof",
      "x.stream": "stream",
      "x.personal": "personal",
      "x.erasure.event": "erasure.event",
      "x.erasure-2.tlog-proof": "erasure-2.tlog-proof",
      "x.erasure-1.event": "event",
      "x.erasure-02.event": "event",
    };
    for (const [name, part] of Object.entries(names))
      expect([name, partByName(name)]).toEqual([name, part]);
  });

  it("come from the API's document of a stream", () => {
    const { events, proof, stream } = bases.stream as ProofFiles;
    const text = JSON.stringify({
      kind: "stream",
      stream_id: "order-0",
      stream: encoded(stream),
      events: encoded(events),
      tlog_batch: encoded(proof),
      anchor: null,
      personal: null,
      erasures: [],
    });
    const read = readPasted(text);
    expect(read).toEqual({ events, proof, stream, anchor: null, personal: null });
    expect(missingPart(read)).toBeNull();
    expect(endingOf("proof", read)).toBe(".tlog-batch");
  });

  it("come from the API's document of an event with an erasure", () => {
    const base = bases.personal as ProofFiles;
    const text = JSON.stringify({
      event: encoded(base.event),
      tlog_proof: encoded(base.proof),
      anchor: null,
      personal: encoded(base.personal),
      erasures: [
        {
          event: encoded(base["erasure.event"]),
          tlog_proof: encoded(base["erasure.tlog-proof"]),
          anchor: null,
        },
      ],
    });
    const { policy, keys, trust, ...rest } = base;
    expect(readPasted(text)).toEqual({ ...rest, anchor: null, "erasure.anchor": null });
  });

  it("say which file is still missing", () => {
    const { events, proof, stream } = bases.stream as ProofFiles;
    const missing = (files: ProofFiles) => missingPart(files);
    expect(missing({})).toBe("Nothing is given yet.");
    expect(missing({ stream: stream ?? null })).toBe("The proof (.tlog-batch) is missing.");
    expect(missing({ events: events ?? null })).toContain(".tlog-batch or .tlog-range");
    expect(missing({ proof: proof ?? null })).toBe("The events (.events) are missing.");
    expect(missing({ policy: new Uint8Array() })).toBe("Nothing is given yet.");
  });

  it("a whole bundle takes the place of the last one, further files join it", () => {
    const stream = bases.stream as ProofFiles;
    const before = { ...(bases.personal as ProofFiles) };
    const { events, proof } = stream;
    const next = combine(before, { events: events ?? null, proof: proof ?? null });
    expect(Object.keys(next).sort()).toEqual(["events", "keys", "policy", "proof", "trust"]);
    expect(combine(next, { stream: stream.stream ?? null }).events).toBe(events);
  });
});
