import { describe, expect, it } from "vitest";
import { connection } from "./connection.ts";

const facts = { stream: "live", failing: false, age: 2000, online: true } as const;

describe("the connection's word", () => {
  it("is live only while answers are young", () => {
    expect(connection(facts).word).toBe("Live");
    // A half-open stream still looks open; the age of the last answer tells.
    expect(connection({ ...facts, age: 60_000 }).word).toBe("Stale");
    expect(connection({ ...facts, failing: true }).word).toBe("Not answering");
    expect(connection({ ...facts, online: false }).word).toBe("Offline");
  });

  it("says that it polls where there is no stream", () => {
    expect(connection({ ...facts, stream: "polling" }).word).toBe("Polling");
    expect(connection({ ...facts, stream: "off" }).word).toBe("Connected");
    expect(connection({ ...facts, age: null }).word).toBe("Connecting");
  });
});
