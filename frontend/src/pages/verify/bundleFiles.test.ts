// @vitest-environment node
import { describe, expect, it } from "vitest";
import { encodeBase64 } from "../../proof/encoding.ts";
import { PARTS } from "../../proof/files.ts";
import { baseOf } from "../../proof/vectors.testing.ts";
import {
  CAPS,
  IntakeError,
  partByContent,
  partByName,
  readFiles,
  readPasted,
} from "./bundleFiles.ts";

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
    const read = await readFiles(PARTS.map((part) => file(NAMES[part], base[part])));
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
    ["too many", Array.from({ length: 13 }, (_, at) => file(`${at}.event`)), "13 files"],
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
  it.each(PARTS.map((part) => [part]))("%s is known by how it begins", (part) => {
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
