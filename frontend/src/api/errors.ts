/** A refused field of a request: `pointer` is a JSON pointer such as `/body/quantity`. */
export interface FieldError {
  pointer: string;
  detail: string;
}

/** The members of a problem document (RFC 9457) that the pages use. */
interface Problem {
  status?: number;
  title?: string;
  detail?: string;
  code?: string;
  instance?: string;
  retryable?: boolean;
  errors?: { pointer?: string; detail?: string }[];
  [member: string]: unknown;
}

/** A request that failed: the server's problem document, or what kept it from answering. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly errors: readonly FieldError[] = [],
    readonly requestId: string | null = null,
    /** All members of the document, such as the `checks` of a refused order. */
    readonly problem: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail || title);
  }

  get unauthenticated(): boolean {
    return this.status === 401;
  }
}

/** The error a problem document stands for; a body that is none still gives a typed error. */
export function problemError(response: Response, body: unknown): ApiError {
  const problem: Problem = isRecord(body) ? body : {};
  const errors = (Array.isArray(problem.errors) ? problem.errors : []).map((each) => ({
    pointer: String(each.pointer ?? ""),
    detail: String(each.detail ?? ""),
  }));
  return new ApiError(
    response.status,
    text(problem.code) ?? `http-${response.status}`,
    text(problem.title) ?? `The server answered ${response.status}`,
    text(problem.detail) ?? "The answer had no explanation.",
    errors,
    text(problem.instance)?.replace("urn:uuid:", "") ?? response.headers.get("X-Request-Id"),
    problem,
  );
}

/** The error for a request that got no answer at all. */
export function networkError(cause: unknown): ApiError {
  const offline = typeof navigator !== "undefined" && navigator.onLine === false;
  const title = offline ? "You are offline" : "The server does not answer";
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ApiError(0, offline ? "offline" : "network", title, reason);
}

/** Any thrown value as an ApiError, so that one component can show all of them. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new ApiError(0, "dashboard", "The page met an error", reason);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
