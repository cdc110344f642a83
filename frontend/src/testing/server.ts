import { vi } from "vitest";

type Answer = (request: Request) => unknown | Response | Promise<unknown>;

/** For tests: answers requests by "METHOD /path"; one without an answer is a 404 problem. */
export function serve(answers: Record<string, Answer>): Request[] {
  const seen: Request[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    seen.push(request.clone());
    const found = answers[`${request.method} ${new URL(request.url).pathname}`];
    if (found === undefined) return problem(404, { code: "not-found", title: "Not found" });
    const body = await found(request);
    return body instanceof Response ? body : Response.json(body);
  });
  return seen;
}

/** For tests: a problem document. */
export function problem(status: number, members: Record<string, unknown>): Response {
  return new Response(JSON.stringify({ status, detail: "Because.", ...members }), {
    status,
    headers: { "Content-Type": "application/problem+json" },
  });
}

/** For tests: a status answer with these breakers. */
export function status(breakers: readonly object[] = []) {
  return {
    now: "2012-09-06T13:30:00Z",
    chain: { head: null, safe: null, finalized: null, answering: true, detail: null },
    log: { size: 80, anchored_size: 80, oldest_unanchored_at: null },
    breakers,
    sequencer: { waiting_seconds: null },
  };
}
