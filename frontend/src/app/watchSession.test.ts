import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KEY } from "../api/signedIn.ts";
import { watchSession } from "./watchSession.ts";

const done: string[] = [];
let stop: () => void;

function inAnotherTab(key: string, oldValue: string | null, newValue: string | null): void {
  const event = new Event("storage");
  window.dispatchEvent(Object.assign(event, { key, oldValue, newValue }));
}

function shown(persisted: boolean): void {
  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted }));
}

beforeEach(() => {
  done.length = 0;
  stop = watchSession({
    assign: (url) => done.push(`to ${url}`),
    reload: () => done.push("reload"),
  });
});

afterEach(() => stop());

describe("a tab", () => {
  it("begins anew when another one signs in as somebody else, or out", () => {
    inAnotherTab(KEY, "alder", "birch");
    inAnotherTab(KEY, "birch", null);
    expect(done).toEqual(["to /", "to /"]);
  });

  it("stays when the same one signs in again, or another thing is kept", () => {
    inAnotherTab(KEY, "alder", "alder");
    inAnotherTab("theme", "light", "dark");
    expect(done).toEqual([]);
  });

  it("asks again for what the Back button brings from the browser's memory", () => {
    shown(true);
    expect(done).toEqual(["reload"]);
  });

  it("stays when it is shown for the first time", () => {
    shown(false);
    expect(done).toEqual([]);
  });
});
