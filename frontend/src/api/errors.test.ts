import { afterEach, describe, expect, it, vi } from "vitest";
import { api, unwrap } from "./client.ts";
import { ApiError } from "./errors.ts";

const answer = (status: number, body: string, type = "application/problem+json") =>
  vi.stubGlobal(
    "fetch",
    async () => new Response(body, { status, headers: { "Content-Type": type } }),
  );

const failure = async (): Promise<ApiError> => {
  try {
    await unwrap(api.GET("/api/v1/log"));
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("It did not fail.");
};

afterEach(() => vi.unstubAllGlobals());

describe("an answer", () => {
  it("gives its data", async () => {
    answer(200, '{"size":80}', "application/json");
    expect(await unwrap(api.GET("/api/v1/log"))).toEqual({ size: 80 });
  });

  it("that is a problem document becomes an error with all it says", async () => {
    answer(
      422,
      JSON.stringify({
        type: "/docs/errors#value-invalid",
        title: "Value invalid",
        status: 422,
        detail: "The request is not what this operation takes.",
        code: "value-invalid",
        instance: "urn:uuid:4557fa0a-d13a-487a-89a7-776f49c74f54",
        errors: [{ pointer: "/body/quantity", detail: "too small", kind: "x" }],
      }),
    );
    const error = await failure();
    expect(error).toMatchObject({ status: 422, code: "value-invalid", title: "Value invalid" });
    expect(error.errors).toEqual([{ pointer: "/body/quantity", detail: "too small" }]);
    expect(error.requestId).toBe("4557fa0a-d13a-487a-89a7-776f49c74f54");
  });

  it("that is no problem document still is a typed error", async () => {
    answer(502, "<html>Bad gateway</html>", "text/html");
    expect(await failure()).toMatchObject({ status: 502, code: "http-502" });
  });

  it("that never came says so", async () => {
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("Failed to fetch");
    });
    expect(await failure()).toMatchObject({
      status: 0,
      code: "network",
      detail: "Failed to fetch",
    });
  });

  it("401 is told from the others", async () => {
    answer(401, '{"code":"unauthenticated","title":"Unauthenticated","detail":"No."}');
    expect((await failure()).unauthenticated).toBe(true);
    answer(403, '{"code":"forbidden","title":"Forbidden","detail":"No."}');
    expect((await failure()).unauthenticated).toBe(false);
  });
});
