import { beforeEach, describe, expect, it } from "vitest";
import { everythingLive } from "./affected.ts";
import { LiveStream, type Surroundings } from "./stream.ts";

class FakeSource extends EventTarget {
  static readonly CLOSED = 2;
  readonly CLOSED = 2;
  readyState = 0;
  closed = false;
  constructor(readonly url: string) {
    super();
  }
  close() {
    this.closed = true;
    this.readyState = 2;
  }
  opens() {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }
  /** Opens, and sets what is asked again for that apart. */
  begins() {
    this.opens();
    refreshed = [];
  }
  says(position: number, type: string) {
    const data = JSON.stringify({ position, type, stream_id: "s", event_id: "e" });
    this.dispatchEvent(new MessageEvent("event", { data, lastEventId: String(position) }));
  }
  fails(forGood: boolean) {
    this.readyState = forGood ? 2 : 0;
    this.dispatchEvent(new Event("error"));
  }
}

let sources: FakeSource[];
let refreshed: string[][];
let timers: { milliseconds: number; work: () => void }[];
let hidden: boolean;
let wake: () => void;

const around: Surroundings = {
  open: (url) => {
    const source = new FakeSource(url);
    sources.push(source);
    return source as unknown as EventSource;
  },
  hidden: () => hidden,
  onChange: (listener) => {
    wake = listener;
    return () => {
      wake = () => undefined;
    };
  },
  refresh: (keys) => refreshed.push(keys.map((key) => String(key[0])).sort()),
  after: (milliseconds, work) => {
    const timer = { milliseconds, work };
    timers.push(timer);
    return () => {
      timers = timers.filter((each) => each !== timer);
    };
  },
};

const runTimers = () => {
  const due = timers;
  timers = [];
  for (const each of due) each.work();
};
const newest = () => sources.at(-1) as FakeSource;

beforeEach(() => {
  sources = [];
  refreshed = [];
  timers = [];
  hidden = false;
  wake = () => undefined;
});

describe("the event stream", () => {
  it("begins after the position it was given, and is live once it is open", () => {
    const stream = new LiveStream(around, 79);
    stream.start();
    expect(newest().url).toBe("/api/v1/events/stream?after=79");
    expect(stream.state()).toBe("connecting");
    newest().opens();
    expect(stream.state()).toBe("live");
  });

  it("asks again for everything once it begins: what came before it was in no answer yet", () => {
    const stream = new LiveStream(around, 79);
    stream.start();
    expect(refreshed).toEqual([]);
    newest().opens();
    expect(refreshed).toEqual([
      everythingLive()
        .map((key) => String(key[0]))
        .sort(),
    ]);
    newest().fails(true);
    runTimers();
    newest().opens();
    expect(refreshed).toHaveLength(1);
  });

  it("asks again for what a burst of events changed, once, and for nothing else", () => {
    const stream = new LiveStream(around, 79);
    stream.start();
    newest().begins();
    newest().says(80, "instruction.advised");
    newest().says(81, "instruction.advised");
    runTimers();
    expect(refreshed).toEqual([["events", "instructions", "settlements", "timeline"]]);
  });

  it("waits while the page is hidden, and catches up when it is shown", () => {
    const stream = new LiveStream(around, 79);
    stream.start();
    newest().begins();
    hidden = true;
    newest().says(80, "order.filled");
    runTimers();
    expect(refreshed).toEqual([]);
    hidden = false;
    wake();
    runTimers();
    expect(refreshed).toHaveLength(1);
  });

  it("holds no connection while the page is hidden, and goes on from its position after", () => {
    const stream = new LiveStream(around, 79);
    stream.start();
    newest().opens();
    newest().says(90, "order.filled");
    hidden = true;
    wake();
    expect(newest().closed).toBe(true);
    expect(sources).toHaveLength(1);
    hidden = false;
    wake();
    expect(newest().url).toBe("/api/v1/events/stream?after=90");
    wake();
    expect(sources).toHaveLength(2);
  });

  it("resumes from the last position where the server closed it for good", () => {
    const stream = new LiveStream(around, 79);
    stream.start();
    newest().opens();
    newest().says(95, "order.filled");
    newest().fails(true);
    runTimers();
    expect(newest().url).toBe("/api/v1/events/stream?after=95");
  });

  it("leaves reconnecting to the browser where it does it", () => {
    const stream = new LiveStream(around, 79);
    stream.start();
    newest().fails(false);
    runTimers();
    expect(sources).toHaveLength(1);
  });

  it("waits longer after each failure, calls itself polling after three, and recovers", () => {
    const stream = new LiveStream(around, 79);
    stream.start();
    const waits: number[] = [];
    for (let failure = 0; failure < 8; failure += 1) {
      newest().fails(true);
      waits.push(...timers.map((each) => each.milliseconds));
      expect(stream.state()).toBe(failure < 2 ? "connecting" : "polling");
      runTimers();
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
    newest().opens();
    expect(stream.state()).toBe("live");
  });

  it("tries at once when the network returns", () => {
    const stream = new LiveStream(around, 79);
    stream.start();
    newest().fails(true);
    wake();
    expect(sources).toHaveLength(2);
    runTimers();
    expect(sources).toHaveLength(2);
  });

  it("closes when it is stopped, and does nothing more", () => {
    const stream = new LiveStream(around, 79);
    stream.start();
    newest().begins();
    newest().says(80, "order.filled");
    stream.stop();
    runTimers();
    expect(newest().closed).toBe(true);
    expect(stream.state()).toBe("off");
    expect(refreshed).toEqual([]);
  });

  it("is not broken by a notice that cannot be read", () => {
    const stream = new LiveStream(around, 79);
    stream.start();
    newest().begins();
    newest().dispatchEvent(new MessageEvent("event", { data: "{" }));
    newest().dispatchEvent(new MessageEvent("event", { data: '{"position":"1"}' }));
    runTimers();
    expect(refreshed).toEqual([]);
    expect(stream.state()).toBe("live");
  });
});
