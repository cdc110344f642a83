import createClient from "openapi-fetch";
import { ApiError, networkError, problemError } from "./errors.ts";
import type { components, paths } from "./schema.gen.ts";

export { ApiError, asApiError, type FieldError } from "./errors.ts";

/** The models of the OpenAPI document by name, such as `Schemas["OrderModel"]`. */
export type Schemas = components["schemas"];

/** The typed client: same origin, the session cookie goes along. */
export const api = createClient<paths>({
  baseUrl: typeof location === "undefined" ? "" : location.origin,
  fetch: (request) => globalThis.fetch(request),
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer; throws ApiError for a problem document or when nothing answered. */
export async function unwrap<T>(request: Promise<Answer<T>>): Promise<T> {
  const answer = await request.catch((cause: unknown) => {
    throw cause instanceof ApiError ? cause : networkError(cause);
  });
  if (!answer.response.ok) throw problemError(answer.response, answer.error);
  return answer.data as T;
}

/** A new key for one submission; retries of the same submission keep it. */
export function idempotencyKey(): string {
  return crypto.randomUUID();
}
