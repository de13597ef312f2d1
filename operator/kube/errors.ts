// What the API server answers when it doesn't do as asked, as a value that callers can decide on.

/** metav1.Status, as far as it is used. */
interface StatusBody {
  reason?: string;
  message?: string;
  details?: { retryAfterSeconds?: number; causes?: { reason?: string; message?: string; field?: string }[] };
}

export interface Cause {
  reason: string;
  message: string;
  field: string;
}

/** An answer of the API server that is no success. The message is the server's own; it holds no header and no body. */
export class ApiError extends Error {
  /** HTTP status, or the `code` of an ERROR event in a watch. */
  readonly status: number;
  /** metav1.StatusReason, such as `NotFound`; empty when the server gave none. */
  readonly reason: string;
  /** Seconds to wait before the next try, when the server says so. */
  readonly retryAfter: number | undefined;
  readonly causes: Cause[];

  constructor(status: number, body: StatusBody, retryAfter?: number) {
    super(body.message ?? `the API server answered ${status}`);
    this.status = status;
    this.reason = body.reason ?? "";
    this.retryAfter = retryAfter ?? body.details?.retryAfterSeconds;
    this.causes = (body.details?.causes ?? []).map(({ reason = "", message = "", field = "" }) => ({
      reason,
      message,
      field,
    }));
  }
}

/** Not all of the work could be done, but some of it was: the next try goes on from there. */
export class Incomplete extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

const hasStatus = (error: unknown, status: number) => error instanceof ApiError && error.status === status;
export const isNotFound = (error: unknown) => hasStatus(error, 404);
export const isForbidden = (error: unknown) => hasStatus(error, 403);
export const isConflict = (error: unknown) => hasStatus(error, 409);
/** The resource version or the continue token is too old: only a new list helps. */
export const isGone = (error: unknown) => hasStatus(error, 410);
/** The namespace is going away: nothing can be made in it any more. */
export const isNamespaceTerminating = (error: unknown) =>
  hasStatus(error, 403) && (error as ApiError).causes.some(({ reason }) => reason === "NamespaceTerminating");
/**
 * The server understood and won't: the same request will get the same answer. An apply with a field that the kind
 * doesn't have is answered with 500.
 */
export const isRefusal = (error: unknown): error is ApiError =>
  error instanceof ApiError &&
  ([400, 403, 422].includes(error.status) || error.message.startsWith("failed to create typed patch object"));
